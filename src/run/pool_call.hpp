#pragma once
// One run of a pool's dispatcher: from its first task to its end, or to a stop that leaves nothing of it
// behind. A call of map, ordered or unordered is one, and so are submitted tasks, as long as they follow one
// another.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "parrun/call_options.hpp"
#include "run/dispatcher.hpp"
#include "run/pool_impl.hpp"

namespace parrun {

class PoolCall {
 public:
  /// Takes what a task came to, also one that was ended with the call.
  using OnLast = std::function<void(Ended&&)>;

  /// `options`: the limits are in force from here on. Throws std::logic_error where the pool cannot begin a
  /// call, InputError where a limit cannot be right, and what the source throws.
  PoolCall(Pool::Impl& pool, TaskSource& source, const CallOptions& options, OnLast on_last,
           Dispatcher::StartingPoint from = {});
  PoolCall(const PoolCall&) = delete;
  PoolCall& operator=(const PoolCall&) = delete;
  /// Leaves it.
  ~PoolCall() { leave(); }

  /// Before each turn; may hold the dispatcher.
  void before_turn(std::function<void()> step) { before_turn_ = std::move(step); }
  Dispatcher& dispatcher() { return dispatcher_; }

  /// One turn. Where a limit has been reached the call is over after it, and timeout() tells, unless all
  /// tasks had ended by themselves when they were asked.
  void turn(Session::Idle idle = Session::Idle::wait);
  /// A turn that does not wait, if the last one was long ago: limits hold also for a caller who never waits.
  void glance();
  /// Nothing of it runs any more.
  bool over() const { return over_ || dispatcher_.finished(); }
  /// Ends it as `on_leave` says; later calls do nothing.
  void leave() noexcept;

  /// The limit that ended it.
  const std::optional<TimeoutError>& timeout() const { return timeout_; }
  /// With what it runs now.
  TimeoutError timeout_for(const std::string& what) const;

 private:
  bool step(TimePoint now);
  void take(Ended&& ended);
  void end_at_limit();
  void stop();
  std::string stop_tasks();
  void finish_what_runs();

  Pool::Impl& pool_;
  OnLeave on_leave_;
  OnLast on_last_;
  std::function<void()> before_turn_ = [] {};
  std::vector<TimeoutError::Outstanding> outstanding_;  ///< at the limit, but for what had ended by itself
  bool cut_off_ = false;                                ///< a task was ended with the call
  std::optional<TimeoutError> timeout_;
  TimePoint last_turn_{};
  bool over_ = false;
  bool left_ = false;
  Dispatcher dispatcher_;
};

}  // namespace parrun
