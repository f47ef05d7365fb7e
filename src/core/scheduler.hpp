#pragma once
// Decides which worker gets which tasks next. Pure state: no MPI, no clock, no I/O.
//
// A task is fresh until it is first given, then in flight at one worker, then done; a task that comes back
// (recalled, retried, or its worker lost) waits in `returned` and goes out before fresh ones.
// Invariants (check_invariants()):
//   (1) every known task is in exactly one of fresh, returned, in flight, done;
//   (2) a worker's load is the number of tasks in flight at it;
//   (3) done only grows, by one for each task, so the run ends after at most tasks * attempts outcomes.
//
// Batching: a message carries about kWorkPerMessage_s of work, by the mean of measured durations, and never
// more than a worker's share of what is left. A worker is hungry when it has no more than one such batch, and
// idle when it has nothing: those come first.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "parrun/id.hpp"

namespace parrun {

class Scheduler {
 public:
  static constexpr double kWorkPerMessage_s = 0.02;
  static constexpr std::size_t kMaxBatch = 1024;

  // Events.
  void add_worker(Rank rank);
  void add_tasks(std::uint64_t count) { known_ += count; }
  /// While held, no task goes out for the first time; what came back still does, as all else may wait for it.
  void hold_fresh(bool held) { held_ = held; }

  enum class Verdict {
    final,   ///< the task is done
    retry,   ///< another attempt will be made
    ignored  ///< not in flight there: a late double, or an attempt that was given up
  };
  /// An attempt ended. `retries`: how many further attempts its task may have in all; 0 where it succeeded.
  Verdict on_outcome(Rank rank, Assignment ended, double elapsed_s, int retries);
  /// The worker gave tasks back that it had not started, in answer to a recall (perhaps none).
  void on_returned(Rank rank, const std::vector<TaskId>& tasks);
  /// The worker is gone: its tasks are to be given again. Returns them.
  std::vector<Assignment> on_worker_lost(Rank rank);

  // Decisions.
  struct Grant {
    Rank worker;
    std::size_t count;  ///< tasks it should get now, at least one
  };
  /// The next worker that should get tasks, or none. Follow up with take() up to `count` times.
  std::optional<Grant> next_grant();
  /// Puts the next task in flight at `rank`. REQUIRES: has_ready().
  Assignment take(Rank rank);
  /// The worker that should give back half of what waits there, because another one has nothing to do.
  std::optional<Grant> next_recall();

  // Queries.
  bool has_ready() const { return ready_count() > 0; }
  std::uint64_t known() const { return known_; }
  std::uint64_t done() const { return done_; }
  std::uint64_t in_flight() const { return flights_.size(); }
  /// Workers that have tasks.
  std::uint64_t busy_workers() const { return busy_; }
  /// How many ready tasks would satisfy all workers now: how far ahead a source should be pulled.
  std::uint64_t appetite() const { return 2 * workers_.size() * std::max<std::size_t>(batch_limit_, 1); }
  /// The attempt of `task` that is in flight at `rank`.
  std::optional<Assignment> attempt_at(Rank rank, TaskId task) const;

  /// Throws std::logic_error that names the broken invariant. O(tasks in flight + workers).
  void check_invariants() const;

 private:
  struct Worker {
    std::size_t load = 0;
    bool present = false;
    bool idle = false;       ///< stands in idle_
    bool hungry = false;     ///< stands in hungry_
    bool recalling = false;  ///< was asked to give back, has not answered
  };
  struct Flight {
    Rank worker;
    int attempt;
  };

  Worker& worker(Rank rank) { return workers_[static_cast<std::size_t>(rank.get())]; }
  void consider(Rank rank);
  void load(Rank rank);
  void unload(Rank rank);
  std::size_t batch_size() const;
  std::uint64_t ready_count() const { return (held_ ? 0 : known_ - next_fresh_) + returned_.size(); }

  std::uint64_t known_ = 0;
  std::uint64_t next_fresh_ = 0;
  std::uint64_t done_ = 0;
  bool held_ = false;
  std::deque<Assignment> returned_;
  std::unordered_map<TaskId, Flight> flights_;
  std::vector<Worker> workers_;  ///< by rank; absent ranks are not `present`
  std::size_t present_ = 0;
  std::size_t busy_ = 0;  ///< workers with load
  std::deque<Rank> idle_;
  std::deque<Rank> hungry_;
  std::size_t batch_limit_ = 1;  ///< by durations; grows at most twofold for each outcome
  double mean_s_ = 0;
  bool measured_ = false;
};

}  // namespace parrun
