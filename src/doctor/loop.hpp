#pragma once
// Rank 0's waiting while something is tried: its loop turns, so that limits, signals and lost ranks end it.

#include <functional>
#include <string>

#include "run/session.hpp"

namespace parrun::doctor {

/// Thrown where the examination ends with what it knows.
struct Ended {
  std::string why;
  int code;    ///< of the job
  bool abort;  ///< not everyone can be sent home
};

/// What ends the examination where a limit has passed, a signal has come, or a rank is lost.
Ended ended_by(const Expiry& expiry);

class Loop {
 public:
  // Of the deadline, for the report and the end.
  static constexpr Duration kReserve = std::chrono::seconds(2);

  /// `session` outlives this. `deadline`: of all of it, from `start` on.
  Loop(Session& session, TimePoint start, Duration deadline)
      : session_(session), deadline_(deadline), end_(start + deadline - kReserve) {}

  /// Turns until `done`, for `bound` at most; false then. `step` takes what has arrived. Throws Ended.
  bool wait(Duration bound, const std::function<bool()>& done, const std::function<bool(TimePoint)>& step);
  /// The same, where nothing is expected to arrive.
  bool wait(Duration bound, const std::function<bool()>& done);

  Duration left() const { return end_ - Clock::now(); }
  Session& session() { return session_; }
  Crew& crew() { return session_.crew(); }

 private:
  Session& session_;
  Duration deadline_;
  TimePoint end_;
};

}  // namespace parrun::doctor
