#pragma once
// Decides which worker gets which tasks next. Pure state: no MPI, no clock, no I/O.
//
// A task is fresh until it is first given, then in flight at one worker, then done, or set aside until it is
// brought back. A task that comes back goes out before fresh ones: it waits in `shunned` if an attempt of it
// failed, before that in `delayed` for as long as its retry has to wait, and in `returned` if it shuns
// nobody: it was recalled or brought back, its worker was lost, or its shunning is over. Invariants
// (check_invariants(); the property test holds (3)):
//   (1) every known task is in exactly one of fresh, returned, shunned, delayed, in flight, aside, done;
//   (2) a worker's load is the number of tasks in flight at it;
//   (3) done only grows, by one for each task, so the run ends after at most tasks * (retries + 1) outcomes;
//   (4) a present worker without tasks stands in `idle`, also while it may take nothing of what is ready.
//
// Tasks that an earlier run settled are done as soon as they are known, and never given.
//
// Shunning: a task whose attempt failed at one worker goes to another, as long as another is present: where a
// node is broken all fails at once, and it would use up the retries of every task. As a task shuns only one
// worker, whatever is ready may be taken by any two; so at most one worker is ever passed over. It ends
// kShunFor after the retry could be made: all others may be busy for hours.
//
// Recall: what comes back may shun the one worker that is idle. Then it waits for another one to become idle:
// workers that have tasks get no more while somebody is idle. So each answer that brings tasks back leaves
// fewer workers idle, or as many and fewer tasks in flight, and recalls come to an end until the next event
// (an outcome, a task, a worker, the time). None is made of a worker whose tasks all shun the idle one.
//
// Batching: a message carries about kWorkPerMessage_s of work, by the mean of measured durations, and never
// more than a worker's share of what is left. A worker is hungry when it has no more than one such batch, and
// idle when it has nothing: those come first.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/by_id.hpp"
#include "base/clock.hpp"
#include "core/task_set.hpp"
#include "parrun/id.hpp"

namespace parrun {

class Scheduler {
 public:
  static constexpr double kWorkPerMessage_s = 0.02;
  static constexpr std::size_t kMaxBatch = 1024;
  static constexpr Duration kShunFor = std::chrono::seconds(5);

  /// `order`: all tasks, in the order in which they are given first; they are added at once. Empty: as they
  /// are added.
  explicit Scheduler(TaskSet settled = {}, std::vector<TaskId> order = {})
      : settled_(std::move(settled)), order_(std::move(order)) {}
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Events.
  void add_worker(Rank rank);
  void add_tasks(std::uint64_t count);
  /// While held, no task goes out for the first time; what came back still does, as all else may wait for it.
  void hold_fresh(bool held) { held_ = held; }

  enum class Verdict {
    final,   ///< the task is done
    retry,   ///< another attempt will be made
    ignored  ///< not in flight there: a late double, or an attempt that was given up
  };
  /// How long an attempt executed, and how much work its way there and back counts as beside that [s].
  struct Took {
    Took(double executing, double way = 0) : executing_s(executing), way_s(way) {}
    double executing_s;
    double way_s;
  };
  /// An attempt ended. `retries`: how many failures of its task are followed by another attempt, 0 where it
  /// succeeded; attempts that were lost with their worker do not count. The next one waits for `retry_at`.
  Verdict on_outcome(Rank rank, Assignment ended, const Took& took, int retries,
                     TimePoint retry_at = TimePoint::min());
  /// The worker gave tasks back that it had not started, in answer to a recall (perhaps none).
  void on_returned(Rank rank, const std::vector<TaskId>& tasks);
  /// The worker is gone: its tasks are to be given again, as their next attempts. Returns the lost ones.
  std::vector<Assignment> on_worker_lost(Rank rank);
  /// It is `now`, or later where a later time was told before: the retries that are due become ready, and for
  /// everybody where they have been for long.
  void advance(TimePoint now);

  // Decisions.
  struct Grant {
    Rank worker;
    std::size_t count;  ///< tasks it should get now, at least one; as many are ready for it
  };
  /// The next worker that should get tasks, or none. Follow up with take(), at least once and up to `count`
  /// times. O(1), amortised.
  std::optional<Grant> next_grant();
  /// Puts the next task in flight at `rank`. REQUIRES: has_ready_for(rank).
  Assignment take(Rank rank);
  /// What take() just gave for `rank` does not go out now: it waits aside until bring_back().
  void set_aside(Rank rank, TaskId task);
  /// What was set aside is ready again.
  void bring_back();
  /// The worker that should give back half of what waits there, because another one has nothing to do.
  std::optional<Grant> next_recall();

  // Queries.
  /// Something is ready, though perhaps for only some of the workers.
  bool has_ready() const { return ready_count() > 0; }
  /// Something is ready that `rank`, a present worker, may take.
  bool has_ready_for(Rank rank) const { return ready_count_for(rank) > 0; }
  /// A retry waits for its time: advance() will make it ready.
  bool has_delayed() const { return !delayed_.empty(); }
  std::uint64_t known() const { return known_; }
  std::uint64_t done() const { return done_; }
  /// Of those done, the ones that an earlier run settled.
  std::uint64_t settled() const { return known_settled_; }
  std::uint64_t in_flight() const { return flights_.size(); }
  std::uint64_t aside() const { return aside_.size(); }
  /// Workers that have tasks.
  std::uint64_t busy_workers() const { return busy_; }
  /// How long no worker will need anything, while none is idle or hungry; zero while one is.
  Duration supplied_for() const;
  /// How many tasks should be at hand besides those in flight, for all workers to be satisfied now: how far
  /// ahead a source should be pulled. Retries come on top, as nobody, or not everybody, may take them now.
  std::uint64_t appetite() const {
    return 2 * workers_.size() * std::max<std::size_t>(batch_limit_, 1) + shunned_count_ + delayed_.size();
  }
  /// All attempts that are in flight at `rank`, by task. O(tasks that were ever in flight at once).
  std::vector<Assignment> in_flight_at(Rank rank) const;
  /// Where `task` is in flight.
  std::optional<Rank> worker_of(TaskId task) const;
  /// The attempt of `task` that is in flight at `rank`.
  std::optional<Assignment> attempt_at(Rank rank, TaskId task) const;

  /// Throws std::logic_error that names the broken invariant. O(tasks that were ever in flight at once +
  /// workers).
  void check_invariants() const;

 private:
  /// An attempt that waits to be made, or is being made.
  struct Attempt {
    Assignment id;
    int failures = 0;           ///< of the attempts before it; those that were lost are none
    std::optional<Rank> shuns;  ///< where the last of them failed
  };
  struct Flight {
    Rank worker;
    Attempt attempt;
  };
  struct Worker {
    std::size_t load = 0;
    std::map<Rank, std::size_t> shunning;  ///< how many of its tasks shun which worker
    bool present = false;
    bool idle = false;       ///< stands in idle_
    bool hungry = false;     ///< stands in hungry_
    bool recalling = false;  ///< was asked to give back, has not answered
  };
  struct ShunEnd {
    Rank shunned;
    Assignment attempt;
  };
  /// What shuns a worker, by that worker; no list is empty.
  using Shunned = std::map<Rank, std::deque<Attempt>>;

  Worker& worker(Rank rank) { return workers_[static_cast<std::size_t>(rank.get())]; }
  // Of many workers some are looked at, in turn, for the fullest: a look at all takes longer than it saves.
  static constexpr std::size_t kLooksForRecall = 64;

  void consider(Rank rank);
  void answer_recall(Rank rank);
  Attempt land(TaskId task);
  void measure(const Took& took);
  void make_ready(const Attempt& attempt);
  void make_retry_ready(const Attempt& attempt);
  void end_shun(const ShunEnd& end);
  std::optional<Attempt> pop_again_for(Rank rank);
  TaskId pop_fresh();
  std::optional<Rank> pop_worker(std::deque<Rank>& queue, bool Worker::*stands_in_it);
  std::optional<Rank> only_idle_worker();
  std::size_t batch_size() const;
  std::size_t idle_workers() const { return present_ - busy_; }
  std::uint64_t ready_count() const { return (held_ ? 0 : fresh_) + returned_.size() + shunned_count_; }
  std::uint64_t ready_count_for(Rank rank) const;
  std::uint64_t fresh_in_order() const;
  void check_tasks() const;
  void check_loads() const;
  void check_queues() const;

  TaskSet settled_;
  std::uint64_t known_ = 0;
  std::uint64_t known_settled_ = 0;  ///< of those known
  std::uint64_t fresh_ = 0;          ///< how many
  TaskId next_fresh_{0};             ///< the first of them, or one settled before it; without an order
  std::vector<TaskId> order_;
  std::size_t next_in_order_ = 0;  ///< what follows is fresh, or settled
  std::uint64_t done_ = 0;
  bool held_ = false;
  TimePoint now_ = TimePoint::min();  ///< as far as advance() told
  std::deque<Attempt> returned_;
  Shunned shunned_;
  std::size_t shunned_count_ = 0;  ///< in all lists
  std::multimap<TimePoint, Attempt> delayed_;
  std::deque<std::pair<TimePoint, ShunEnd>> shun_ends_;  ///< in their order; of attempts that may be over
  std::deque<Attempt> aside_;
  ById<Flight> flights_;         ///< by task
  std::vector<Worker> workers_;  ///< by rank; absent ranks are not `present`
  std::size_t present_ = 0;
  std::size_t busy_ = 0;       ///< workers with load
  std::size_t stocked_ = 0;    ///< of those, the ones with more than the task that executes
  std::size_t recalling_ = 0;  ///< workers that are
  std::size_t next_look_ = 0;  ///< behind the last worker that was looked at for a recall
  std::deque<Rank> idle_;
  std::deque<Rank> hungry_;
  std::size_t batch_limit_ = 1;  ///< by durations; grows at most twofold for each outcome
  double mean_executing_s_ = 0;
  double mean_s_ = 0;  ///< of both
  bool measured_ = false;
};

}  // namespace parrun
