#pragma once
// Rank 0's side of one run: gives tasks out, takes outcomes in, watches the limits. Each call of turn() is
// one turn of the loop, in this order:
//   1. take every message that has arrived; outcomes go to the sink;
//   2. has a limit passed? Then nothing is given out any more, and expired() says which;
//   3. pull tasks from the source, give them to hungry workers, recall some for idle ones.
// After a limit, or to leave early: stop(), then turns until stopped(), or as long as one cares to wait.

#include <functional>
#include <optional>
#include <vector>

#include "core/scheduler.hpp"
#include "parrun/errors.hpp"
#include "parrun/outcome.hpp"
#include "run/crew.hpp"
#include "run/task_source.hpp"

namespace parrun {

class Dispatcher {
 public:
  // A message to a worker is closed when its payloads reach this.
  static constexpr std::size_t kMessageBytes = std::size_t{1} << 20;

  using Sink = std::function<void(Outcome)>;

  /// Begins the run `begin.epoch`. REQUIRES: crew.gathered(); all references outlive this.
  Dispatcher(Crew& crew, TaskSource& source, const Begin& begin, int retries, Sink sink);
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// True if something happened.
  bool turn(TimePoint now);
  /// While held, no task is given out for the first time: whoever takes the outcomes cannot keep up.
  void hold(bool held) {
    held_ = held;
    scheduler_.hold_fresh(held);
  }

  bool finished() const { return source_.exhausted() && scheduler_.done() == scheduler_.known(); }
  const std::optional<Expiry>& expired() const { return expired_; }

  void stop();
  bool stopped() const { return stop_answers_missing_ == 0; }
  /// Every worker could end what it executed. REQUIRES: stopped().
  bool stopped_cleanly() const { return clean_; }

  struct Counts {
    std::uint64_t done = 0;
    std::uint64_t failed = 0;     ///< of those done, the ones that did not succeed
    std::uint64_t executing = 0;  ///< at most one for each worker that has tasks
    std::uint64_t known = 0;
  };
  Counts counts() const {
    return {scheduler_.done(), failed_, scheduler_.busy_workers(), scheduler_.known()};
  }
  /// The tasks that workers were last known to be executing.
  std::vector<TimeoutError::Outstanding> outstanding(TimePoint now) const;

 private:
  bool take_messages(TimePoint now);
  void on(Rank from, Report& report, TimePoint now);
  void on(Rank from, const Returned& returned);
  void on(Rank from, const Stopped& stopped);
  void on_finished(Rank from, Report::Finished& finished, TimePoint now);
  void on_executing(Rank from, const Report& report, TimePoint now);
  bool give_out(TimePoint now);
  void give(const Scheduler::Grant& grant);

  Crew& crew_;
  TaskSource& source_;
  std::uint32_t epoch_;
  int retries_;
  Sink sink_;
  Scheduler scheduler_;
  std::uint64_t failed_ = 0;
  bool held_ = false;
  bool stopping_ = false;
  bool clean_ = true;
  std::size_t stop_answers_missing_ = 0;
  std::optional<Expiry> expired_;
};

}  // namespace parrun
