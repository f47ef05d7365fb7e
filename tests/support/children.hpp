#pragma once
#include <sys/wait.h>

#include <cerrno>

#include "support/wait_until.hpp"

namespace parrun::test {

/// Waits until every child of this process has ended, for at most `bound`, and reaps them: zygotes end by
/// themselves when their owner is gone.
inline bool children_end(std::chrono::nanoseconds bound) {
  return wait_until(
      [] {
        while (waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        return waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD;
      },
      bound);
}

}  // namespace parrun::test
