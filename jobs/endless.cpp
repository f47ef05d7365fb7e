// The task that never ends. One of these once made a whole run hang for ever, whatever limit was set.
//
//   {"call": "endless", "args": []}        computes for ever
//   {"call": "endless_sleep", "args": []}  sleeps for ever

#include <chrono>
#include <thread>

#include "parrun/task.hpp"

void endless() {
  volatile unsigned long turns = 0;  // volatile: a loop without any effect may be removed by the compiler
  for (;;) turns = turns + 1;
}
PARRUN_TASK(endless);

void endless_sleep() {
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}
PARRUN_TASK(endless_sleep);
