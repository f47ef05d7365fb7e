// The scheduler under random events: whatever comes in whatever order, its invariants hold after every event,
// its decisions are those a plain model of the workers allows, and every run ends with each task done once.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <random>
#include <stdexcept>
#include <vector>

#include "core/scheduler.hpp"

namespace {

using parrun::Assignment;
using parrun::Rank;
using parrun::Scheduler;
using parrun::TaskId;
using Verdict = Scheduler::Verdict;

constexpr int kMaxRetries = 2;

class RandomRun {
 public:
  RandomRun(unsigned seed, int ranks)
      : seed_(seed), random_(seed), peers_(static_cast<std::size_t>(ranks) + 1) {}

  void step() {
    ++steps_;
    const std::uint64_t kind = below(100);
    if (kind < 4)
      add_tasks();
    else if (kind < 8)
      join();
    else if (kind < 10)
      lose();
    else if (kind < 60)
      end_first();
    else if (kind < 70)
      send_late_double();
    else if (kind < 80)
      answer_recall();
    else
      dispatch();
    scheduler_.check_invariants();
  }

  /// Only outcomes, answers and decisions from here on: the run must end.
  void finish() {
    join_all();
    const std::size_t bound = 10 * (tasks_.size() * (kMaxRetries + 1) + 100) * peers_.size();
    for (std::size_t turns = 0; scheduler_.done() < scheduler_.known(); ++turns) {
      require(turns < bound, "the run does not end");
      ++steps_;
      dispatch();
      for (int i = 0; i < 3; ++i) end_first();
      answer_recall();
      scheduler_.check_invariants();
    }
    for (const Task& task : tasks_) require(task.finals == 1, "a task is not done exactly once");
    require(scheduler_.in_flight() == 0 && scheduler_.busy_workers() == 0, "a task is done and in flight");
    require(!scheduler_.has_ready() && !scheduler_.next_grant(), "a task is left over");
    require(!scheduler_.next_recall(), "a recall from workers that have nothing");
  }

 private:
  struct Task {
    int attempt = 1;      ///< of its next or present execution
    int finals = 0;       ///< how often it was declared done
    bool waiting = true;  ///< fresh or returned
  };
  struct Peer {
    bool present = false;
    std::deque<Assignment> tasks;         ///< the first one runs
    std::optional<std::size_t> recalled;  ///< this many, not answered yet
  };
  struct Past {
    Rank worker;
    Assignment attempt;
  };

  void require(bool holds, const char* what) const {
    if (!holds) throw std::logic_error(fmt::format("seed {}, step {}: {}", seed_, steps_, what));
  }
  std::uint64_t below(std::uint64_t end) { return random_() % end; }
  Task& task(TaskId id) { return tasks_.at(id.get()); }
  Peer& peer(Rank rank) { return peers_.at(static_cast<std::size_t>(rank.get())); }
  Rank any_rank() { return Rank(static_cast<int>(1 + below(peers_.size() - 1))); }
  bool all_of_peers(auto predicate) const { return std::all_of(peers_.begin() + 1, peers_.end(), predicate); }

  // --- events ---

  void add_tasks() {
    const std::uint64_t count = below(2) == 0 ? below(5) : below(200);
    scheduler_.add_tasks(count);
    tasks_.resize(tasks_.size() + count);
    require(scheduler_.known() == tasks_.size(), "known() is not what was added");
  }

  void join(Rank rank) {
    scheduler_.add_worker(rank);
    peer(rank).present = true;
  }
  void join() { join(any_rank()); }
  void join_all() {
    for (std::size_t rank = 1; rank < peers_.size(); ++rank) join(Rank(static_cast<int>(rank)));
  }

  void lose() {
    const Rank rank = any_rank();
    if (!peer(rank).present) return;
    std::vector<Assignment> had(peer(rank).tasks.begin(), peer(rank).tasks.end());
    std::sort(had.begin(), had.end(), [](const auto& a, const auto& b) { return a.task < b.task; });
    require(scheduler_.on_worker_lost(rank) == had, "a lost worker's tasks are not those it had");
    for (const Assignment& lost : had) task(lost.task).waiting = true;
    peer(rank) = Peer{};
  }

  void end_first() {
    const Rank rank = any_rank();
    if (peer(rank).tasks.empty()) return;
    const Assignment ended = peer(rank).tasks.front();
    peer(rank).tasks.pop_front();
    static constexpr double kElapsed_s[] = {0, 1e-6, 1e-4, 1e-2, 1, 1e3};
    const bool failed = below(4) == 0;
    const int retries = failed ? static_cast<int>(ended.task.get() % (kMaxRetries + 1)) : 0;
    const Verdict verdict = scheduler_.on_outcome(rank, ended, kElapsed_s[below(6)], retries);
    if (failed && ended.attempt <= retries) {
      require(verdict == Verdict::retry, "an attempt that is left was not made");
      task(ended.task).waiting = true;
      ++task(ended.task).attempt;
    } else {
      require(verdict == Verdict::final, "a task that ended is not done");
      ++task(ended.task).finals;
    }
    past_.push_back({rank, ended});
    if (past_.size() > 200) past_.pop_front();
  }

  // An outcome that was counted, or never can be, from the worker that sent it or from another.
  void send_late_double() {
    if (past_.empty()) return;
    const Past& past = past_[below(past_.size())];
    const Rank rank = below(2) == 0 ? past.worker : any_rank();
    const auto& there = peer(rank).tasks;
    if (std::find(there.begin(), there.end(), past.attempt) != there.end()) return;  // in flight again
    require(scheduler_.on_outcome(rank, past.attempt, 1, kMaxRetries) == Verdict::ignored,
            "a late outcome was counted");
  }

  void answer_recall() {
    const Rank rank = any_rank();
    Peer& asked = peer(rank);
    if (!asked.recalled) return;
    std::vector<TaskId> returned;
    while (returned.size() < *asked.recalled && asked.tasks.size() > 1) {
      returned.push_back(asked.tasks.back().task);
      task(asked.tasks.back().task).waiting = true;
      asked.tasks.pop_back();
    }
    asked.recalled.reset();
    scheduler_.on_returned(rank, returned);
  }

  // --- decisions ---

  void dispatch() {
    while (const auto grant = scheduler_.next_grant()) follow(*grant);
    const auto recall = scheduler_.next_recall();
    if (recall) {
      Peer& asked = peer(recall->worker);
      require(asked.tasks.size() > 1 && recall->count >= 1, "a recall of nothing");
      require(recall->count < asked.tasks.size(), "a recall of a task that runs");
      require(!asked.recalled, "a second recall before the answer");
      asked.recalled = recall->count;
    }
    require_no_needless_idling();
  }

  void follow(const Scheduler::Grant& grant) {
    const std::uint64_t ready = scheduler_.known() - scheduler_.done() - scheduler_.in_flight();
    const auto present = static_cast<std::uint64_t>(
        std::count_if(peers_.begin(), peers_.end(), [](const Peer& one) { return one.present; }));
    require(peer(grant.worker).present, "tasks for a worker that is not there");
    require(grant.count >= 1 && grant.count <= std::max<std::uint64_t>(1, ready / present),
            "a grant above the worker's share");
    const std::uint64_t fitting = below(8) == 0 ? 1 + below(grant.count) : grant.count;
    for (std::uint64_t i = 0; i < fitting; ++i) {
      const Assignment given = scheduler_.take(grant.worker);
      require(task(given.task).waiting, "a task was given that does not wait");
      require(given.attempt == task(given.task).attempt, "a task went out as another attempt");
      task(given.task).waiting = false;
      peer(grant.worker).tasks.push_back(given);
      scheduler_.check_invariants();
    }
  }

  void require_no_needless_idling() const {
    const auto not_idle = [](const Peer& one) { return !one.present || !one.tasks.empty(); };
    if (all_of_peers(not_idle)) return;
    require(!scheduler_.has_ready(), "a worker idles while a task is ready");
    const bool recalling = !all_of_peers([](const Peer& one) { return !one.recalled; });
    const bool waiting = !all_of_peers([](const Peer& one) { return one.tasks.size() <= 1; });
    require(recalling || !waiting, "a worker idles while a task that has not started waits elsewhere");
  }

  unsigned seed_;
  std::mt19937 random_;
  std::size_t steps_ = 0;
  Scheduler scheduler_;
  std::vector<Task> tasks_;
  std::vector<Peer> peers_;  ///< by rank; that of rank 0 stays absent
  std::deque<Past> past_;
};

TEST(SchedulerProperty, AnyOrderOfEventsKeepsTheInvariantsAndEndsWithEachTaskDoneOnce) {
  constexpr int kSteps = 4000;
  for (unsigned seed = 1; seed <= 24; ++seed) {
    RandomRun run(seed, 1 + static_cast<int>(seed % 9));
    for (int step = 0; step < kSteps; ++step) run.step();
    run.finish();
  }
}

TEST(SchedulerProperty, ManyShortRunsEndWithEachTaskDoneOnce) {
  for (unsigned seed = 1000; seed < 1400; ++seed) {
    RandomRun run(seed, 1 + static_cast<int>(seed % 4));
    for (int step = 0; step < 60; ++step) run.step();
    run.finish();
  }
}

// No clock is asked: were an event's cost to grow with the tasks or the workers, this would not end within
// the test's limit.
TEST(SchedulerProperty, AMillionTasksOnAThousandWorkersAreScheduled) {
  constexpr std::uint64_t kTasks = 1'000'000;
  constexpr int kWorkers = 1000;
  Scheduler scheduler;
  scheduler.add_tasks(kTasks);
  for (int rank = 1; rank <= kWorkers; ++rank) scheduler.add_worker(Rank(rank));
  std::deque<std::pair<Rank, Assignment>> in_flight;
  std::uint64_t outcomes = 0;
  for (;;) {
    while (const auto grant = scheduler.next_grant()) {
      for (std::size_t i = 0; i < grant->count; ++i)
        in_flight.emplace_back(grant->worker, scheduler.take(grant->worker));
    }
    if (const auto recall = scheduler.next_recall()) scheduler.on_returned(recall->worker, {});
    if (in_flight.empty()) break;
    const auto [worker, attempt] = in_flight.front();
    in_flight.pop_front();
    scheduler.on_outcome(worker, attempt, 1e-4, 0);
    if (++outcomes % 100'000 == 0) scheduler.check_invariants();
  }
  EXPECT_EQ(scheduler.done(), kTasks);
  EXPECT_EQ(outcomes, kTasks);
}

}  // namespace
