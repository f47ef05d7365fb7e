#pragma once
// A worker's loop. Never itself inside a task, never blocked: it takes messages, keeps its executor fed,
// reports at once what has finished, and what is executing when that takes longer, and watches its tasks'
// limits.

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "exec/executor.hpp"
#include "run/share_keeper.hpp"
#include "wire/messages.hpp"
#include "wire/transport.hpp"

namespace parrun {

class Worker {
 public:
  static constexpr Duration kHeartbeat = std::chrono::seconds(1);
  // A task that runs this long is told to the dispatcher; shorter ones are over before it would matter.
  static constexpr Duration kWorthTelling = std::chrono::milliseconds(20);
  // While most of what is at hand has not ended, outcomes are collected for this long: a message for each of
  // them, and a look at each of their ends, would take the processor from tasks of a millisecond. So long
  // nobody looks for messages either, the dispatcher where all workers have enough to do likewise. In step
  // with no round duration (golden section): who wakes when tasks end delays each of them.
  static constexpr Duration kCollect = std::chrono::microseconds(1618);
  static constexpr std::size_t kReportBytes = std::size_t{256} << 10;  ///< nor for more than this

  /// `processes` executes commands, and functions unless a run wants threads; null: this rank has none.
  Worker(Transport& transport, Executor* processes);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void greet(const Hello& hello) { send(hello); }
  /// This rank has heard a signal, by which the dispatcher will end the run: until it does nothing is begun.
  void tell(const Heard& heard);
  /// After a signal at `at`: the dispatcher has ended nothing here within the grace of what runs, nor spoken
  /// since, for so long.
  bool forsaken(TimePoint at, Duration silence, TimePoint now) const {
    return now > std::max(at + run_.grace, heard_) + silence;
  }

  /// One turn. True if it did something.
  bool turn(TimePoint now);

  /// The dispatcher has been silent for longer than it ever is: it is no more, or this host is cut off from
  /// it.
  bool orphaned(TimePoint now) const;

  /// The dispatcher said bye, and our farewell has left.
  bool finished() const { return leaving_ && transport_.idle(); }

  /// Sleeps until an outcome may be there, at most `limit`; where tasks are executing, which need the
  /// processor more than we do to look for messages, as long as is good for them.
  void await(Duration limit);
  bool occupied() const { return active_->has_tasks(); }
  /// Tasks are at hand for when the one that executes has ended.
  bool supplied() const { return active_->waiting() > 1; }

 private:
  void on(const Prepare& prepare);
  void on(const Begin& begin);
  void on(const Give& give, const SharedBytes& message);
  void on(const Recall& recall);
  void on(const Stop& stop);
  void on(const Cancel& cancel);
  void on(const Bye& bye);
  void on(const Alive& /*alive*/) {}  // that it came is all it says
  void on(const ShareBytes& piece);
  void on(const ShareAt& at) { send(keeper_.on(at)); }
  void on(const Unshare& unshare);
  void drop_released();

  AttemptTerms terms() const;
  void hold_back();
  void use_threads();
  bool may_begin(const GivenTask& task);
  void begin(GivenTask&& task);
  void feed();
  void take(EndedTasks ended, TimePoint now);
  bool execute(TimePoint now);
  void go_on_stopping(TimePoint now);
  void watch_limit(TimePoint now);
  void tell_if_due(TimePoint now);
  Report look(TimePoint now);
  void report(TimePoint now);
  void report_with(EndedTasks::Large large, TimePoint now);
  void send(const FromWorker& message);
  Executor& executor_for(const GivenTask& task);

  Transport& transport_;
  Executor* processes_;
  std::unique_ptr<Executor> threads_;  ///< once a run has wanted them, or there are no processes
  Executor* active_;
  ShareKeeper keeper_;
  std::deque<GivenTask> waiting_;  ///< until the active executor is done: the first is for the other one

  Begin run_;
  TimePoint
      heard_{};  ///< from the dispatcher; later by this loop's pauses since, in which it could hear nothing
  TimePoint last_turn_{};
  bool begins_nothing_ = false;
  bool stopping_ = false;
  Duration patience_{};                  ///< while stopping, with a task that cannot be ended
  std::optional<TimePoint> stop_begin_;  ///< the first turn of it
  bool leaving_ = false;
  bool broken_ = false;                ///< executors cannot be had any more
  std::optional<Assignment> told_;     ///< the attempt that the dispatcher knows to be executing
  std::optional<Assignment> overran_;  ///< the attempt whose limit ends the run
  EndedTasks ended_;                   ///< not reported yet
  TimePoint last_report_{};
};

}  // namespace parrun
