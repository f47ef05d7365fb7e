#pragma once
#include <chrono>
#include <thread>

namespace parrun::test {

using namespace std::chrono_literals;

/// Waits for `condition` to hold, for at most `bound`; returns whether it came to hold. Looks at it `every`
/// so often.
template <typename Condition>
bool wait_until(Condition condition, std::chrono::nanoseconds bound, std::chrono::nanoseconds every = 5ms) {
  const auto end = std::chrono::steady_clock::now() + bound;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(every);
  }
  return true;
}

}  // namespace parrun::test
