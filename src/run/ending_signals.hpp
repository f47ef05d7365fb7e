#pragma once
#include <signal.h>

#include <array>

namespace parrun {

// While it lives, the signals by which launchers and people end a program are noted and do no more: mpirun
// sends SIGTERM to all ranks when one has died, and what has finished is to be told before the end. One at a
// time in a process.
class EndingSignals {
 public:
  EndingSignals();
  EndingSignals(const EndingSignals&) = delete;
  EndingSignals& operator=(const EndingSignals&) = delete;
  ~EndingSignals();  ///< as it was before

  /// The first that came, or 0.
  int raised() const;

 private:
  static constexpr std::array kSignals = {SIGTERM, SIGINT, SIGHUP};
  std::array<struct sigaction, kSignals.size()> before_{};
};

}  // namespace parrun
