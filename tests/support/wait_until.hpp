#pragma once
#include <chrono>
#include <thread>

namespace parrun::test {

using namespace std::chrono_literals;

/// Waits for `condition` to hold, for at most `bound`; returns whether it came to hold.
template <typename Condition>
bool wait_until(Condition condition, std::chrono::nanoseconds bound) {
  const auto end = std::chrono::steady_clock::now() + bound;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

}  // namespace parrun::test
