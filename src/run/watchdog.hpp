#pragma once
// Watches rank 0's loop, and on every rank what MPI does at its start and its end. The loop checks every
// limit in each of its turns; where it does not turn any more (a dead file system under jobs.bin, a call that
// never returns), this thread ends the job in its place.

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.hpp"

namespace parrun {

class Watchdog {
 public:
  Watchdog(TimePoint limit, int exit_code);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  // A limit may have passed this long before the loop must have noticed.
  static constexpr Duration kGrace = std::chrono::milliseconds(700);
  // The same while the loop is ready to run and gets no processor.
  static constexpr Duration kStarvedGrace = std::chrono::seconds(10);

  /// If nothing is set anew until `limit` + kGrace (kStarvedGrace while the loop wants to run), the job ends
  /// with `exit_code`. TimePoint::max(): never.
  void set(TimePoint limit, int exit_code);

 private:
  void watch();
  [[noreturn]] void end_job(int exit_code);

  std::mutex mutex_;
  std::condition_variable changed_;
  TimePoint limit_;
  int exit_code_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace parrun
