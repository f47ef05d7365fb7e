#pragma once
#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>

namespace parrun {

// CLOCK_MONOTONIC: one clock for all processes of a host, so a worker can read what its executor wrote.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;
using Seconds = std::chrono::duration<double>;

/// Now, or some milliseconds before: for who looks so often that a look at the clock would be felt.
inline TimePoint coarse_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return TimePoint(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

/// The processor's time that this thread has used. A system call.
inline Duration thread_cpu_time() {
  timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

/// Now, by this host's calendar [s since 1970].
inline double wall_clock_s() { return Seconds(std::chrono::system_clock::now().time_since_epoch()).count(); }

/// What the calendar says of a time that has just been. It is asked once a second, as whoever notes the time
/// of each short task would else ask it for nothing else.
class Calendar {
 public:
  double at(TimePoint time) {
    if (time > asked_ + std::chrono::seconds(1)) {
      asked_ = Clock::now();
      ahead_s_ = wall_clock_s() - Seconds(asked_.time_since_epoch()).count();
    }
    return Seconds(time.time_since_epoch()).count() + ahead_s_;
  }

 private:
  TimePoint asked_{};
  double ahead_s_ = 0;
};

inline double to_seconds(Duration duration) { return Seconds(duration).count(); }
/// The nearest that there is: no more than 290 years, and zero for what is no number.
inline Duration from_seconds(double seconds) {
  constexpr double kMost = 9.2e9;
  if (std::isnan(seconds)) return {};
  return std::chrono::duration_cast<Duration>(Seconds(std::clamp(seconds, -kMost, kMost)));
}

}  // namespace parrun
