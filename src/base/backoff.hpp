#pragma once
#include <algorithm>

#include "base/clock.hpp"

namespace parrun {

// How long a loop that found nothing to do should wait before it looks again: not at all at first, then
// longer and longer, up to a millisecond, so an idle loop costs about one percent of a core and a busy one no
// latency.
class Backoff {
 public:
  static constexpr Duration kLongest = std::chrono::milliseconds(1);

  void on_work() { idle_turns_ = 0; }
  /// The wait after one more turn without work; zero: give the processor away and look again.
  Duration next() {
    ++idle_turns_;
    if (idle_turns_ <= kEagerTurns) return Duration::zero();
    return std::min<Duration>(kFirst * (idle_turns_ - kEagerTurns), kLongest);
  }

 private:
  static constexpr int kEagerTurns = 10;
  static constexpr Duration kFirst = std::chrono::microseconds(20);
  int idle_turns_ = 0;
};

}  // namespace parrun
