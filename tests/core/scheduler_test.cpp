#include "core/scheduler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <vector>

namespace {

using parrun::Assignment;
using parrun::Rank;
using parrun::Scheduler;
using parrun::TaskId;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using enum Scheduler::Verdict;

constexpr Rank kFirst{1};
constexpr Rank kSecond{2};
constexpr double kShort_s = 1e-6;
constexpr double kLong_s = 1;

Assignment task(std::uint64_t index, int attempt = 1) { return {TaskId(index), attempt}; }

// A scheduler whose grants are all followed, with its invariants checked after every step.
class SchedulerTest : public ::testing::Test {
 protected:
  void TearDown() override { scheduler.check_invariants(); }

  void add_workers(int count) {
    for (int rank = 1; rank <= count; ++rank) scheduler.add_worker(Rank(rank));
  }

  /// Follows one grant; what was given, or nothing where there is no grant for `worker`.
  std::vector<Assignment> next_grant_to(Rank worker) {
    std::vector<Assignment> given;
    const std::optional<Scheduler::Grant> grant = scheduler.next_grant();
    if (!grant) return given;
    EXPECT_EQ(grant->worker, worker);
    for (std::size_t i = 0; i < grant->count && scheduler.has_ready(); ++i) {
      given.push_back(scheduler.take(grant->worker));
    }
    scheduler.check_invariants();
    return given;
  }

  /// Follows all grants; returns how many tasks each went out with.
  std::vector<std::size_t> give_all() {
    std::vector<std::size_t> sizes;
    while (const auto grant = scheduler.next_grant()) {
      sizes.push_back(grant->count);
      for (std::size_t i = 0; i < grant->count && scheduler.has_ready(); ++i) {
        in_flight.push_back({grant->worker, scheduler.take(grant->worker)});
      }
      scheduler.check_invariants();
    }
    return sizes;
  }

  struct Flight {
    Rank worker;
    Assignment attempt;
  };
  /// The oldest of what give_all() gave succeeds.
  void end_oldest(double elapsed_s) {
    const Flight oldest = in_flight.front();
    in_flight.pop_front();
    EXPECT_EQ(scheduler.on_outcome(oldest.worker, oldest.attempt, elapsed_s, 0), final);
    scheduler.check_invariants();
  }

  Scheduler scheduler;
  std::deque<Flight> in_flight;
};

TEST_F(SchedulerTest, NothingIsGivenWithoutTasksOrWithoutWorkers) {
  add_workers(1);
  EXPECT_FALSE(scheduler.next_grant());
  Scheduler lonely;
  lonely.add_tasks(3);
  EXPECT_FALSE(lonely.next_grant());
  EXPECT_FALSE(lonely.next_recall());
}

TEST_F(SchedulerTest, TasksAreGivenInTheirOrderEachOnce) {
  scheduler.add_tasks(3);
  add_workers(1);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(0), task(1)));
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(0), kLong_s, 0), final);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(2)));
  EXPECT_FALSE(scheduler.next_grant());
  EXPECT_EQ(scheduler.in_flight(), 2U);
  EXPECT_EQ(scheduler.done(), 1U);
}

TEST_F(SchedulerTest, AWorkerThatIsAddedTwiceCountsOnce) {
  scheduler.add_worker(kFirst);
  scheduler.add_worker(kFirst);
  scheduler.add_tasks(2);
  EXPECT_THAT(give_all(), ElementsAre(2U));  // as for one worker, whose share is both
  EXPECT_EQ(scheduler.busy_workers(), 1U);
}

TEST_F(SchedulerTest, EveryWorkerGetsATaskBeforeAnyGetsTwoWhereTheyAreScarce) {
  add_workers(3);
  scheduler.add_tasks(3);
  EXPECT_THAT(give_all(), ElementsAre(1U, 1U, 1U));
  EXPECT_EQ(scheduler.busy_workers(), 3U);
}

TEST_F(SchedulerTest, TasksAddedLaterGoToWorkersThatWait) {
  add_workers(1);
  EXPECT_FALSE(scheduler.next_grant());
  scheduler.add_tasks(1);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(0)));
  scheduler.on_outcome(kFirst, task(0), kLong_s, 0);
  EXPECT_FALSE(scheduler.has_ready());
  scheduler.add_tasks(1);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(1)));
}

// --- outcomes --------------------------------------------------------------------------------------------

TEST_F(SchedulerTest, AFailedTaskGoesOutAgainAsItsNextAttemptBeforeFreshOnes) {
  scheduler.add_tasks(5);
  add_workers(1);
  next_grant_to(kFirst);
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(0), kLong_s, 1), retry);
  EXPECT_EQ(scheduler.done(), 0U);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(0, 2)));
  EXPECT_EQ(scheduler.attempt_at(kFirst, TaskId(0)), task(0, 2));
}

TEST_F(SchedulerTest, ATaskEndsWithItsLastAttempt) {
  scheduler.add_tasks(1);
  add_workers(1);
  constexpr int kRetries = 3;
  for (int attempt = 1; attempt <= kRetries; ++attempt) {
    EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(0, attempt)));
    EXPECT_EQ(scheduler.on_outcome(kFirst, task(0, attempt), kLong_s, kRetries), retry);
  }
  next_grant_to(kFirst);
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(0, 4), kLong_s, kRetries), final);
  EXPECT_FALSE(scheduler.has_ready());
  EXPECT_EQ(scheduler.done(), 1U);
}

TEST_F(SchedulerTest, ALateOutcomeIsIgnored) {
  scheduler.add_tasks(2);
  add_workers(1);
  next_grant_to(kFirst);
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(0), kLong_s, 0), final);
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(0), kLong_s, 0), ignored) << "a double";
  EXPECT_EQ(scheduler.on_outcome(kSecond, task(1), kLong_s, 0), ignored) << "from a worker without it";
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(1, 2), kLong_s, 0), ignored) << "of another attempt";
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(7), kLong_s, 0), ignored) << "of no known task";
  EXPECT_EQ(scheduler.done(), 1U);
}

TEST_F(SchedulerTest, TheOutcomeOfAnEarlierAttemptIsIgnored) {
  scheduler.add_tasks(1);
  add_workers(1);
  next_grant_to(kFirst);
  scheduler.on_outcome(kFirst, task(0), kLong_s, 1);
  next_grant_to(kFirst);
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(0), kLong_s, 1), ignored);
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(0, 2), kLong_s, 1), final);
}

TEST_F(SchedulerTest, LostWorkerReturnsItsTasksOnce) {
  scheduler.add_tasks(2);
  scheduler.add_worker(kFirst);
  next_grant_to(kFirst);
  EXPECT_THAT(scheduler.on_worker_lost(kFirst), ElementsAre(task(0), task(1)));
  EXPECT_THAT(scheduler.on_worker_lost(kFirst), IsEmpty());
  EXPECT_FALSE(scheduler.next_grant()) << "nobody is there";
  scheduler.add_worker(kSecond);
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(0), task(1)));
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(0), kLong_s, 0), ignored) << "its late outcome";
  EXPECT_EQ(scheduler.on_outcome(kSecond, task(0), kLong_s, 0), final);
}

TEST_F(SchedulerTest, AWorkerThatComesBackIsGivenTasksAgain) {
  scheduler.add_tasks(1);
  scheduler.add_worker(kFirst);
  next_grant_to(kFirst);
  scheduler.on_worker_lost(kFirst);
  scheduler.add_worker(kFirst);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(0)));
}

// --- batching --------------------------------------------------------------------------------------------

TEST_F(SchedulerTest, BatchesGrowAtMostTwofoldForEachOutcomeAndUpToTheLargest) {
  scheduler.add_tasks(1'000'000);
  add_workers(1);
  std::size_t outcomes = 0;
  std::size_t largest = 0;
  give_all();
  while (outcomes < 5000) {
    end_oldest(kShort_s);
    ++outcomes;
    for (const std::size_t size : give_all()) {
      EXPECT_LE(size, std::size_t{2} << std::min<std::size_t>(outcomes, 20));
      largest = std::max(largest, size);
    }
  }
  EXPECT_EQ(largest, Scheduler::kMaxBatch);
}

TEST_F(SchedulerTest, ABatchCarriesTheWorkOfAMessage) {
  constexpr double kTask_s = 1e-3;
  scheduler.add_tasks(1'000'000);
  add_workers(1);
  give_all();
  std::vector<std::size_t> sizes;
  for (int outcome = 0; outcome < 500; ++outcome) {
    end_oldest(kTask_s);
    if (const auto given = give_all(); outcome > 300) sizes.insert(sizes.end(), given.begin(), given.end());
  }
  constexpr double kFitting = Scheduler::kWorkPerMessage_s / kTask_s;
  ASSERT_FALSE(sizes.empty());
  for (const std::size_t size : sizes) EXPECT_NEAR(static_cast<double>(size), kFitting, 1.5);
}

TEST_F(SchedulerTest, BatchesShrinkWhenTasksGetLonger) {
  scheduler.add_tasks(1'000'000);
  add_workers(1);
  give_all();
  for (int outcome = 0; outcome < 5000; ++outcome) {
    end_oldest(kShort_s);
    give_all();
  }
  ASSERT_GT(in_flight.size(), 100U);
  for (int outcome = 0; outcome < 5000; ++outcome) {
    end_oldest(kLong_s);
    give_all();
  }
  EXPECT_EQ(in_flight.size(), 2U) << "one to run, one at hand";
}

TEST_F(SchedulerTest, NoGrantExceedsTheWorkersShareOfWhatIsLeft) {
  constexpr int kWorkers = 4;
  constexpr std::uint64_t kTasks = 3000;
  scheduler.add_tasks(kTasks);
  add_workers(kWorkers);
  const auto give_within_share = [&] {
    while (const auto grant = scheduler.next_grant()) {
      const std::uint64_t left = kTasks - scheduler.done() - scheduler.in_flight();
      EXPECT_LE(grant->count, std::max<std::uint64_t>(1, left / kWorkers));
      for (std::size_t i = 0; i < grant->count; ++i)
        in_flight.push_back({grant->worker, scheduler.take(grant->worker)});
    }
  };
  give_within_share();
  while (!in_flight.empty()) {
    end_oldest(kShort_s);
    give_within_share();
  }
  EXPECT_EQ(scheduler.done(), kTasks);
}

// --- recall ----------------------------------------------------------------------------------------------

class RecallTest : public SchedulerTest {
 protected:
  // The first worker holds all of the tasks when the second one comes.
  void SetUp() override {
    scheduler.add_tasks(2);
    scheduler.add_worker(kFirst);
    give_all();
    ASSERT_THAT(in_flight, SizeIs(2));
  }
};

TEST_F(RecallTest, ATaskThatWaitsIsRecalledForAnIdleWorker) {
  EXPECT_FALSE(scheduler.next_recall()) << "nobody is idle";
  scheduler.add_worker(kSecond);
  const auto recall = scheduler.next_recall();
  ASSERT_TRUE(recall);
  EXPECT_EQ(recall->worker, kFirst);
  EXPECT_EQ(recall->count, 1U);
  scheduler.on_returned(kFirst, {TaskId(1)});
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(1)));
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(1), kLong_s, 0), ignored);
  EXPECT_EQ(scheduler.on_outcome(kSecond, task(1), kLong_s, 0), final);
}

TEST_F(RecallTest, WhatComesBackGoesToTheIdleWorkerBeforeThoseThatAreOnlyHungry) {
  constexpr Rank kIdle{9};
  scheduler.add_worker(kSecond);
  scheduler.add_tasks(1);
  ASSERT_THAT(next_grant_to(kSecond), ElementsAre(task(2)));  // it runs, and another one would be welcome
  scheduler.add_worker(kIdle);
  ASSERT_TRUE(scheduler.next_recall());
  scheduler.on_returned(kFirst, {TaskId(1)});
  EXPECT_THAT(next_grant_to(kIdle), ElementsAre(task(1)));
}

TEST_F(RecallTest, OneRecallIsUnderWayAtATime) {
  scheduler.add_worker(kSecond);
  ASSERT_TRUE(scheduler.next_recall());
  EXPECT_FALSE(scheduler.next_recall());
  scheduler.on_returned(kFirst, {});
  EXPECT_TRUE(scheduler.next_recall()) << "it was answered in vain";
}

TEST_F(RecallTest, ALostWorkerOwesNoAnswer) {
  scheduler.add_worker(kSecond);
  ASSERT_TRUE(scheduler.next_recall());
  scheduler.on_worker_lost(kFirst);
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(0), task(1)));
  scheduler.add_worker(kFirst);
  EXPECT_TRUE(scheduler.next_recall()) << "and does not stand in the way of the next recall";
}

TEST_F(RecallTest, ATaskThatRunsAloneIsNotRecalled) {
  end_oldest(kLong_s);
  scheduler.add_worker(kSecond);
  EXPECT_FALSE(scheduler.next_recall());
}

TEST_F(RecallTest, NothingIsRecalledWhileFreshTasksAreThere) {
  scheduler.add_worker(kSecond);
  scheduler.add_tasks(1);
  EXPECT_FALSE(scheduler.next_recall());
}

TEST_F(RecallTest, WhatCameBackTwiceIsGivenOnce) {
  scheduler.add_worker(kSecond);
  ASSERT_TRUE(scheduler.next_recall());
  scheduler.on_returned(kFirst, {TaskId(1), TaskId(1), TaskId(9)});
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(1)));
  EXPECT_FALSE(scheduler.has_ready());
}

TEST_F(RecallTest, ARetriedTaskKeepsItsAttemptWhenItIsRecalled) {
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(1), kLong_s, 1), retry);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(1, 2)));
  scheduler.add_worker(kSecond);
  ASSERT_TRUE(scheduler.next_recall());
  scheduler.on_returned(kFirst, {TaskId(1)});
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(1, 2)));
}

}  // namespace
