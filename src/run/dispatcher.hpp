#pragma once
// Rank 0's side of one run: gives tasks out, takes outcomes in, watches the limits. Each call of turn() is
// one turn of the loop, in this order:
//   1. take the messages that have arrived; outcomes go to the sink;
//   2. has a limit passed? Then nothing is given out any more, and expired() says which;
//   3. pull tasks from the source, give them to hungry workers, recall some for idle ones.
// Where the run's surroundings end it at a time that is known (LimitWatch::outer()), no attempt is started
// that can be expected not to end before: it is set aside. When nothing else is left, that limit has come
// early. An attempt that dies of a signal that may be meant for the whole run (SLURM sends one to the tasks
// too) is judged a second later, if signals end the run: where one does, the attempt has not failed but is
// cancelled.
// After a limit, or to leave early: stop(), then turns until stopped(), or as long as one cares to wait. To
// let what executes come to its end: drain(), then turns until finished().

#include <functional>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/durations.hpp"
#include "core/ended.hpp"
#include "core/scheduler.hpp"
#include "core/signal_rule.hpp"
#include "parrun/errors.hpp"
#include "parrun/outcome.hpp"
#include "run/crew.hpp"
#include "run/task_source.hpp"

namespace parrun {

class Dispatcher {
 public:
  // When so many tasks were set aside, no further ones are looked at.
  static constexpr std::uint64_t kMostAside = 10'000;
  // So much of messages is taken in one turn, and each counts for something: what sends faster than we take
  // must not keep us from everything else.
  static constexpr std::size_t kTurnBytes = std::size_t{4} << 20;
  static constexpr std::size_t kLeastBytes = std::size_t{4} << 10;
  // So much of payloads and outcomes counts as the work of one message; a task of that size is the last of
  // its message, and a message of that size the last of its turn: what is under way or waits beyond it has
  // left the processors' caches by the time that it is wanted, which then takes twice as long.
  static constexpr std::size_t kBytesPerMessage = std::size_t{512} << 10;
  // Of an attempt's error so many characters are kept while its task is tried again; and while so much is
  // kept of all attempts, no further task is begun.
  static constexpr std::size_t kMostErrorKept = std::size_t{4} << 10;
  static constexpr std::size_t kMostRemembered = std::size_t{64} << 20;
  // A message to a worker is closed when it reaches this.
  static constexpr std::size_t kMessageBytes = std::size_t{1} << 20;

  /// Of tasks that did not succeed; a task's own number goes first.
  struct Retry {
    int attempts = 0;  ///< further ones
    Duration delay{};  ///< before the next one
    /// Until what died of a signal that may be meant for the whole run is judged; zero: none ends this one.
    Duration judged_after = SignalRule::kOneCause;
  };
  // Takes what attempts come to. One whose rank was lost or that will be retried is not the last of its task.
  struct Sink {
    std::function<void(Ended&&)> on_last;
    std::function<void(const Outcome&)> on_retried = [](const Outcome&) {};
  };

  /// What earlier runs, and other shards, leave to this one.
  struct StartingPoint {
    TaskSet left_out = {};           ///< settled by an earlier run, or another shard's
    std::uint64_t elsewhere = 0;     ///< those of other shards
    Durations durations = {};        ///< of tasks that are done
    std::vector<TaskId> order = {};  ///< in which all tasks of the source are given; empty: their own
  };

  /// Begins the run `begin.epoch`. REQUIRES: crew.gathered(); what is left out is known after the source's
  /// first pull; all references outlive this.
  Dispatcher(Crew& crew, TaskSource& source, const Begin& begin, const Retry& retry, Sink sink,
             StartingPoint from);
  Dispatcher(Crew& crew, TaskSource& source, const Begin& begin, const Retry& retry, Sink sink)
      : Dispatcher(crew, source, begin, retry, std::move(sink), StartingPoint()) {}
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// True if something happened.
  bool turn(TimePoint now);
  enum class Hold {
    none,
    for_now,      ///< whoever takes the outcomes cannot keep up
    for_caller,   ///< the same, and takes the time it takes: with nothing in flight that is no stall
    for_earlier,  ///< too many outcomes wait for those of tasks that were given before
  };
  /// While held, no task is given out for the first time.
  void hold(Hold hold) {
    hold_ = hold;
    hold_fresh();
  }
  void hold(bool held) { hold(held ? Hold::for_now : Hold::none); }

  bool finished() const {
    const bool all_done = source_.exhausted() && scheduler_.done() == scheduler_.known();
    return all_done || (draining_ && scheduler_.in_flight() == 0);
  }
  const std::optional<Expiry>& expired() const { return expired_; }
  /// Every worker has tasks at hand for so long: until then nothing that is done here is urgent.
  Duration supplied_for() const { return scheduler_.supplied_for(); }

  enum class Drain {
    for_good,  ///< an attempt that fails now is its task's last
    for_now    ///< what would be tried again is left to a run that goes on from here
  };
  /// From now on no attempt is started. `for_now` stays, whatever follows.
  void drain(Drain drain);

  /// The task, which is not done, and may be known later only, has no further attempt, and the one that is in
  /// flight is to end; its outcome comes like any other. False: none is in flight.
  bool cancel(TaskId task);

  /// `patience`: with a task that cannot be ended.
  void stop(Duration patience = {});
  bool stopped() const { return not_stopped_.empty(); }
  /// Every worker could end what it executed. REQUIRES: stopped().
  bool stopped_cleanly() const { return clean_; }

  std::uint64_t in_flight() const { return scheduler_.in_flight(); }
  /// Tasks of this run's shard.
  struct Counts {
    std::uint64_t done = 0;
    std::uint64_t failed = 0;     ///< of those done in this run, the ones that did not succeed
    std::uint64_t executing = 0;  ///< at most one for each worker that has tasks
    std::uint64_t known = 0;
    std::uint64_t settled = 0;  ///< of those done, the ones that an earlier run settled
  };
  Counts counts() const {
    return {scheduler_.done() - elsewhere_, failed_, scheduler_.busy_workers(),
            scheduler_.known() - elsewhere_, scheduler_.settled() - elsewhere_};
  }
  /// The tasks that workers were last known to be executing.
  std::vector<TimeoutError::Outstanding> outstanding(TimePoint now) const;
  /// What workers had that have not stopped is lost with them: nobody will tell what became of it.
  void write_off_silent(const std::string& why, TimePoint now);

 private:
  bool is_held() const { return hold_ != Hold::none || remembers_much(); }
  // Only as long as some of it is going to be told: what belongs to tasks that are aside is kept to the end.
  bool remembers_much() const {
    return remembered_bytes_ > kMostRemembered && (scheduler_.in_flight() > 0 || scheduler_.has_delayed());
  }
  void hold_fresh() { scheduler_.hold_fresh(is_held()); }
  bool rests() const;
  bool take_messages(TimePoint now);
  void on(Rank from, const Report& report, TimePoint now);
  void on(Rank from, const Returned& returned);
  void on(Rank from, const Stopped& stopped);
  void on_finished(Rank from, const Report::Finished& finished, TimePoint now);
  void on_executing(Rank from, const Report& report, TimePoint now);
  void take_failed(TimePoint now);
  void judge_signalled(TimePoint now);
  bool ends_by_signal() const;
  bool is_cancelled(TaskId task) const { return !cancelled_.empty() && cancelled_.contains(task); }
  void conclude(Ended&& ended, int retries, TimePoint now);
  void conclude(Outcome&& outcome, int retries, TimePoint now) {
    conclude(Ended(std::move(outcome)), retries, now);
  }
  void remember(Outcome outcome);
  Ended with_earlier(Ended&& ended);
  std::vector<Outcome> lost_at(Rank worker, const std::string& why, TimePoint now) const;
  bool give_out(TimePoint now);
  void give(const Scheduler::Grant& grant, TimePoint now);
  void conclude_unstarted(Rank worker, const Assignment& attempt, TimePoint now);
  void heed_outer_limit(TimePoint now);
  bool fits(std::optional<double> expected_s, TimePoint now) const;
  bool all_fit(TimePoint now) const;
  bool anything_fits(TimePoint now) const;

  Crew& crew_;
  TaskSource& source_;
  std::uint32_t epoch_;
  Retry retry_;
  Sink sink_;
  std::uint64_t elsewhere_;  ///< tasks of other shards: for the scheduler they are settled
  Scheduler scheduler_;
  Durations durations_;                ///< of earlier runs, and learnt where there is an outer limit
  std::optional<TimePoint> outer_at_;  ///< the outer limit, as it was last seen
  double mean_order_bytes_ = 0;        ///< of those given last
  bool recalled_ = false;              ///< what waits at workers does not fit any more
  // What died of a signal that may have come to us too, until that is known.
  struct Signalled {
    Outcome outcome;
    int retries;
    TimePoint until;
  };
  std::vector<Signalled> signalled_;
  std::unordered_map<TaskId, std::vector<Outcome>> earlier_;  ///< attempts of tasks that will have another
  std::size_t remembered_bytes_ = 0;                          ///< of those attempts
  std::unordered_set<TaskId> cancelled_;                      ///< and not done
  std::uint64_t failed_ = 0;
  Hold hold_ = Hold::none;
  std::optional<Drain> draining_;
  bool stopping_ = false;
  bool clean_ = true;
  std::set<Rank> not_stopped_;
  std::optional<Expiry> expired_;
};

}  // namespace parrun
