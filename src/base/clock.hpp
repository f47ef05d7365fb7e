#pragma once
#include <chrono>

namespace parrun {

// CLOCK_MONOTONIC: one clock for all processes of a host, so a worker can read what its executor wrote.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;
using Seconds = std::chrono::duration<double>;

/// Now, by this host's calendar [s since 1970].
inline double wall_clock_s() { return Seconds(std::chrono::system_clock::now().time_since_epoch()).count(); }

inline double to_seconds(Duration duration) { return Seconds(duration).count(); }
inline Duration from_seconds(double seconds) {
  return std::chrono::duration_cast<Duration>(Seconds(seconds));
}

}  // namespace parrun
