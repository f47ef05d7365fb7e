// Sleeps that many seconds and returns them.
//
//   {"call": "nap", "args": [0.5]}

#include <chrono>
#include <stdexcept>
#include <thread>

#include "parrun/task.hpp"

double nap(double seconds) {
  constexpr double kLongest = 1e9;  // 30 years; more would overflow the clock's nanoseconds
  if (!(seconds >= 0 && seconds <= kLongest)) throw std::invalid_argument("seconds is not from 0 to 1e9");
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  return seconds;
}
PARRUN_TASK(nap);
