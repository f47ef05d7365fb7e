#pragma once
#include <optional>

#include "base/clock.hpp"

namespace parrun {

// Which signals count. A launcher sends one to all ranks, to some, or twice to one of them within a second,
// all for one cause: so whatever is heard within kOneCause of the first is the first.
class SignalRule {
 public:
  static constexpr Duration kOneCause = std::chrono::seconds(1);

  /// Some rank heard a signal.
  void on_signal(int number, TimePoint at) {
    if (number_ == 0) {
      number_ = number;
      first_ = at;
    } else if (at >= first_ + kOneCause) {
      again_ = true;
    }
  }
  /// The first, or 0.
  int number() const { return number_; }
  /// There was a second one: whoever sent it does not want to wait.
  bool again() const { return again_; }

 private:
  int number_ = 0;
  TimePoint first_{};
  bool again_ = false;
};

}  // namespace parrun
