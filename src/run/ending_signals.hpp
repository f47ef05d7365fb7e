#pragma once
#include <signal.h>

#include <array>
#include <optional>

#include "base/clock.hpp"

namespace parrun {

// While it lives, the signals by which launchers and people end a program are noted and do no more: what runs
// is to come to its end, and what has finished is to be told before that. One at a time in a process.
class EndingSignals {
 public:
  EndingSignals();
  EndingSignals(const EndingSignals&) = delete;
  EndingSignals& operator=(const EndingSignals&) = delete;
  ~EndingSignals();  ///< as it was before

  static bool is_one(int number);

  struct Heard {
    int number;
    TimePoint at;
  };
  /// The last that came since the last call.
  std::optional<Heard> take();

 private:
  static constexpr std::array kSignals = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
  std::array<struct sigaction, kSignals.size()> before_{};
  int taken_ = 0;  ///< signals
};

}  // namespace parrun
