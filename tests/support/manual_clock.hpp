#pragma once
#include "base/clock.hpp"

namespace parrun::test {

// Time that passes only when the test says so. It starts at the real time, because some code under test
// still asks for that once.
class ManualClock {
 public:
  TimePoint now() const { return now_; }
  TimePoint advance(Duration by) { return now_ += by; }

 private:
  TimePoint now_ = Clock::now();
};

}  // namespace parrun::test
