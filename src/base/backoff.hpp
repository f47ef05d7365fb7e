#pragma once
#include <algorithm>

#include "base/clock.hpp"

namespace parrun {

// How long a loop that found nothing to do should wait before it looks again: not at all at first, then an
// eighth of the time that it has waited so far, up to a millisecond. So what comes is noticed soon beside the
// time that it took to come, and an idle loop costs about one percent of a core.
class Backoff {
 public:
  static constexpr Duration kLongest = std::chrono::milliseconds(1);

  void on_work() { *this = {}; }
  /// The wait after one more turn without work; zero: give the processor away and look again.
  Duration next() {
    if (++idle_turns_ <= kEagerTurns) return Duration::zero();
    const Duration next = std::clamp<Duration>(waited_ / 8, kShortest, kLongest);
    waited_ += next;
    return next;
  }

 private:
  static constexpr int kEagerTurns = 40;
  static constexpr Duration kShortest = std::chrono::microseconds(20);
  int idle_turns_ = 0;
  Duration waited_{};
};

}  // namespace parrun
