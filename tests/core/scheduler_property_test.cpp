// The scheduler under random events: whatever comes in whatever order, its invariants hold after every event,
// its decisions are those a plain model of the workers allows, it becomes quiet when nothing happens, and
// every run ends with each task done once.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <iterator>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <vector>

#include "core/scheduler.hpp"

namespace {

using parrun::Assignment;
using parrun::Rank;
using parrun::Scheduler;
using parrun::TaskId;
using parrun::TimePoint;
using Verdict = Scheduler::Verdict;

constexpr int kMaxRetries = 2;
constexpr std::chrono::seconds kMaxDelay{40};
constexpr double kElapsed_s[] = {0, 1e-6, 1e-4, 1e-2, 1, 1e3};

class RandomRun {
 public:
  RandomRun(unsigned seed, int ranks)
      : seed_(seed),
        random_(seed),
        broken_(static_cast<int>(below(3))),
        durations_(1 + below(std::size(kElapsed_s))),
        scarce_(below(4) > 0),
        turnover_(below(2) == 0 ? 6 : 24),
        peers_(static_cast<std::size_t>(ranks) + 1) {
    scheduler_.advance(now_);
  }

  void step() {
    ++steps_;
    const std::uint64_t kind = below(100);
    if (kind < 4)
      add_tasks();
    else if (kind < 4 + turnover_)
      below(3) > 0 ? join() : lose();
    else if (kind < 56)
      end_first();
    else if (kind < 62)
      send_late_double();
    else if (kind < 70)
      answer_recall();
    else if (kind < 74)
      pass_time();
    else if (kind < 84)
      become_quiet();
    else
      dispatch();
    scheduler_.check_invariants();
  }

  /// Only outcomes, answers, decisions and time from here on: the run must end.
  void finish() {
    join_all();
    const std::size_t bound = 10 * (tasks_.size() * (kMaxRetries + 1) + 100) * peers_.size();
    for (std::size_t turns = 0; scheduler_.done() < scheduler_.known(); ++turns) {
      require(turns < bound, "the run does not end");
      ++steps_;
      pass_time();
      below(4) == 0 ? become_quiet() : dispatch();
      for (int i = 0; i < 3; ++i) end_first();
      answer_recall();
      scheduler_.check_invariants();
    }
    for (const Task& task : tasks_) require(task.finals == 1, "a task is not done exactly once");
    require(scheduler_.in_flight() == 0 && scheduler_.busy_workers() == 0, "a task is done and in flight");
    require(!scheduler_.has_ready() && !scheduler_.has_delayed() && !scheduler_.next_grant(),
            "a task is left over");
    require(!scheduler_.next_recall(), "a recall from workers that have nothing");
  }

 private:
  struct Task {
    int attempt = 1;       ///< of its next or present execution
    int failures = 0;      ///< of those before
    Rank failed_at;        ///< where the last of them was, or rank 0
    TimePoint due{};       ///< its next execution is not before
    int finals = 0;        ///< how often it was declared done
    TimePoint shun_end{};  ///< from then on that worker may take it too
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
  std::chrono::seconds delay_below(std::chrono::seconds end) {
    return std::chrono::seconds(below(static_cast<std::uint64_t>(end.count())));
  }
  Task& task(TaskId id) { return tasks_.at(id.get()); }
  Peer& peer(Rank rank) { return peers_.at(static_cast<std::size_t>(rank.get())); }
  Rank any_rank() { return Rank(static_cast<int>(1 + below(peers_.size() - 1))); }
  bool all_of_peers(auto predicate) const { return std::all_of(peers_.begin() + 1, peers_.end(), predicate); }
  std::size_t count_peers(auto predicate) const {
    return static_cast<std::size_t>(std::count_if(peers_.begin() + 1, peers_.end(), predicate));
  }
  std::size_t present() const {
    return count_peers([](const Peer& one) { return one.present; });
  }
  bool may_take(Rank rank, const Task& task) const {
    return task.failed_at != rank || present() == 1 || now_ >= task.shun_end;
  }

  // Events.

  void add_tasks() {
    if (scarce_ && scheduler_.has_ready()) return;
    const std::uint64_t count = below(2) == 0 ? below(5) : below(scarce_ ? 40 : 100);
    scheduler_.add_tasks(count);
    for (std::uint64_t i = 0; i < count; ++i) waiting_.insert(TaskId(tasks_.size() + i));
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
    for (const Assignment& lost : had) {
      waiting_.insert(lost.task);
      Task& known = task(lost.task);
      ++known.attempt;
      if (now_ < known.shun_end) known.shun_end = now_ + Scheduler::kShunFor;
    }
    peer(rank) = Peer{};
  }

  void end_first() {
    const Rank rank = any_rank();
    if (peer(rank).tasks.empty()) return;
    const Assignment ended = peer(rank).tasks.front();
    peer(rank).tasks.pop_front();
    const bool failed = below(4) == 0 || rank == broken_;
    const int retries = failed ? static_cast<int>(ended.task.get() % (kMaxRetries + 1)) : 0;
    const TimePoint retry_at = below(2) == 0 ? TimePoint::min() : now_ + delay_below(kMaxDelay);
    const Verdict verdict =
        scheduler_.on_outcome(rank, ended, kElapsed_s[below(durations_)], retries, retry_at);
    Task& known = task(ended.task);
    if (failed && known.failures < retries) {
      require(verdict == Verdict::retry, "an attempt that is left was not made");
      known = {ended.attempt + 1, known.failures + 1, rank, retry_at, 0, now_ + Scheduler::kShunFor};
      waiting_.insert(ended.task);
      if (retry_at > now_) dues_.insert(retry_at);
    } else {
      require(verdict == Verdict::final, "a task that ended is not done");
      ++known.finals;
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

  void answer_recall() { answer_recall(any_rank()); }
  void answer_recall(Rank rank) {
    Peer& asked = peer(rank);
    if (!asked.recalled) return;
    std::vector<TaskId> returned;
    while (returned.size() < *asked.recalled && asked.tasks.size() > 1) {
      returned.push_back(asked.tasks.back().task);
      waiting_.insert(asked.tasks.back().task);
      asked.tasks.pop_back();
    }
    asked.recalled.reset();
    scheduler_.on_returned(rank, returned);
  }

  void pass_time() {
    const TimePoint before = now_;
    now_ += delay_below(kMaxDelay / 4);
    for (const TaskId id : waiting_) {
      if (task(id).due > before && task(id).due <= now_) task(id).shun_end = now_ + Scheduler::kShunFor;
    }
    scheduler_.advance(now_);
    dues_.erase(dues_.begin(), dues_.upper_bound(now_));
    require(scheduler_.has_delayed() == !dues_.empty(), "has_delayed() is not whether a retry has to wait");
  }

  // Decisions.

  // Each answer brings at least one task back, after those to earlier recalls; it leaves fewer workers idle
  // or fewer tasks in flight.
  void become_quiet() {
    dispatch();
    const std::size_t bound = scheduler_.in_flight() + 2 * peers_.size();
    for (std::size_t turns = 0; recalling(); ++turns) {
      require(turns < bound, "the recalls do not end");
      for (std::size_t rank = 1; rank < peers_.size(); ++rank) answer_recall(Rank(static_cast<int>(rank)));
      dispatch();
    }
    require(!scheduler_.next_grant() && !scheduler_.next_recall(), "it is not quiet though nothing happens");
  }

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
    require(peer(grant.worker).present, "tasks for a worker that is not there");
    require(grant.count >= 1 && grant.count <= std::max<std::uint64_t>(1, ready / present()),
            "a grant above the worker's share");
    const std::uint64_t fitting = below(8) == 0 ? 1 + below(grant.count) : grant.count;
    for (std::uint64_t i = 0; i < fitting; ++i) {
      require(scheduler_.has_ready_for(grant.worker), "a grant of more than is ready for the worker");
      const Assignment given = scheduler_.take(grant.worker);
      Task& known = task(given.task);
      require(waiting_.erase(given.task) == 1, "a task was given that does not wait");
      require(known.due <= now_, "a retry went out before its time");
      require(may_take(grant.worker, known), "a retry went to the worker that failed the task");
      require(given.attempt == known.attempt, "a task went out as another attempt");
      peer(grant.worker).tasks.push_back(given);
    }
    scheduler_.check_invariants();
  }

  void require_no_needless_idling() const {
    for (std::size_t index = 1; index < peers_.size(); ++index) {
      if (!peers_[index].present || !peers_[index].tasks.empty()) continue;
      const Rank rank(static_cast<int>(index));
      const auto fits = [&](TaskId id) {
        const Task& one = tasks_[id.get()];
        return one.due <= now_ && may_take(rank, one);
      };
      require(std::none_of(waiting_.begin(), waiting_.end(), fits),
              "a worker idles while a task is ready for it");
      require(!scheduler_.has_ready_for(rank), "has_ready_for() a worker that may take nothing");
      require(recalling() || !any_waits_elsewhere_for(rank),
              "a worker idles while a task that has not started waits elsewhere");
    }
  }

  bool recalling() const {
    return count_peers([](const Peer& one) { return one.recalled.has_value(); }) > 0;
  }
  bool any_waits_elsewhere_for(Rank rank) const {
    const auto fits = [&](const Assignment& one) { return may_take(rank, tasks_[one.task.get()]); };
    return !all_of_peers([&](const Peer& one) {
      return one.tasks.empty() || std::none_of(one.tasks.begin() + 1, one.tasks.end(), fits);
    });
  }

  unsigned seed_;
  std::mt19937 random_;
  Rank broken_;              ///< fails whatever it gets; rank 0 where none does
  std::uint64_t durations_;  ///< the first so many occur: batches are large only where long ones do not
  bool scarce_;              ///< few tasks are added, and only where none is ready: workers become idle
  std::uint64_t turnover_;   ///< of a hundred steps as many are about workers that come and go
  std::size_t steps_ = 0;
  TimePoint now_{};
  Scheduler scheduler_;
  std::vector<Task> tasks_;
  std::set<TaskId> waiting_;       ///< neither in flight nor done
  std::multiset<TimePoint> dues_;  ///< later than now_
  std::vector<Peer> peers_;        ///< by rank; that of rank 0 stays absent
  std::deque<Past> past_;
};

TEST(SchedulerProperty, AnyOrderOfEventsKeepsTheInvariantsAndEndsWithEachTaskDoneOnce) {
  constexpr int kSteps = 1500;
  for (unsigned seed = 1; seed <= 60; ++seed) {
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

// As above: were passing workers over not O(1), this would not end within the test's limit.
TEST(SchedulerProperty, AHundredThousandIdleWorkersRetryWhatOneAndThenEachOfThemFailed) {
  constexpr std::uint64_t kTasks = 100'000;
  constexpr int kWorkers = 100'000;
  constexpr TimePoint kDue{std::chrono::seconds(1)};
  Scheduler scheduler;
  const auto give_and_end_all = [&](int retries) {
    std::vector<std::pair<Rank, Assignment>> given;
    while (const auto grant = scheduler.next_grant()) {
      for (std::size_t i = 0; i < grant->count; ++i)
        given.emplace_back(grant->worker, scheduler.take(grant->worker));
    }
    for (const auto& [worker, attempt] : given) scheduler.on_outcome(worker, attempt, 1, retries, kDue);
    return given.size();
  };
  scheduler.add_tasks(kTasks);
  scheduler.add_worker(Rank(1));
  while (give_and_end_all(1) > 0) {
  }
  for (int rank = 2; rank <= kWorkers; ++rank) scheduler.add_worker(Rank(rank));
  scheduler.advance(kDue);
  EXPECT_EQ(give_and_end_all(2), kTasks - 1) << "one for each, without the one that failed them";
  scheduler.check_invariants();
  while (give_and_end_all(0) > 0) {
  }
  EXPECT_EQ(scheduler.done(), kTasks);
  EXPECT_FALSE(scheduler.has_ready());
}

}  // namespace
