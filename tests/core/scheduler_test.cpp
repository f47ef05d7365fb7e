#include "core/scheduler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace {

using parrun::Assignment;
using parrun::Rank;
using parrun::Scheduler;
using parrun::TaskId;
using parrun::TimePoint;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;
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
    for (std::size_t i = 0; i < grant->count && scheduler.has_ready_for(grant->worker); ++i) {
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
      for (std::size_t i = 0; i < grant->count && scheduler.has_ready_for(grant->worker); ++i) {
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

TEST_F(SchedulerTest, WhatAnEarlierRunSettledIsDoneAndNeverGiven) {
  parrun::TaskSet settled;
  for (const std::uint64_t task : {0, 1, 3, 70, 9}) settled.insert(TaskId(task));
  std::destroy_at(&scheduler);
  std::construct_at(&scheduler, std::move(settled));
  scheduler.add_tasks(2);
  EXPECT_EQ(scheduler.done(), 2U);
  EXPECT_FALSE(scheduler.has_ready());
  scheduler.add_tasks(3);
  scheduler.add_worker(Rank(1));
  EXPECT_EQ(scheduler.settled(), 3U) << "the others are not known";
  scheduler.check_invariants();
  EXPECT_EQ(scheduler.take(Rank(1)).task, TaskId(2));
  EXPECT_EQ(scheduler.take(Rank(1)).task, TaskId(4));
  EXPECT_FALSE(scheduler.has_ready());
}

TEST_F(SchedulerTest, WhatIsSetAsideIsNotGivenUntilItIsBroughtBack) {
  scheduler.add_tasks(2);
  scheduler.add_worker(kFirst);
  ASSERT_TRUE(scheduler.next_grant());
  EXPECT_EQ(scheduler.take(kFirst), task(0));
  scheduler.set_aside(kFirst, TaskId(0));
  scheduler.check_invariants();
  EXPECT_EQ(scheduler.aside(), 1U);
  EXPECT_EQ(scheduler.in_flight(), 0U);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(1))) << "its place was for the next one";
  EXPECT_FALSE(scheduler.has_ready());
  scheduler.bring_back();
  scheduler.check_invariants();
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(1), kLong_s, 0), final);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(0)));
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

// Outcomes.

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
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(0, 2), task(1, 2)));
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(0), kLong_s, 0), ignored) << "its late outcome";
  EXPECT_EQ(scheduler.on_outcome(kSecond, task(0, 2), kLong_s, 0), final);
}

TEST_F(SchedulerTest, AWorkerThatComesBackIsGivenTasksAgain) {
  scheduler.add_tasks(1);
  scheduler.add_worker(kFirst);
  next_grant_to(kFirst);
  scheduler.on_worker_lost(kFirst);
  scheduler.add_worker(kFirst);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(0, 2)));
}

TEST_F(SchedulerTest, ALostAttemptUsesUpNoRetryButItsNumber) {
  constexpr int kRetries = 1;
  scheduler.add_tasks(1);
  int attempt = 1;
  for (; attempt <= 3; ++attempt) {
    scheduler.add_worker(kFirst);
    EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(0, attempt)));
    EXPECT_THAT(scheduler.on_worker_lost(kFirst), ElementsAre(task(0, attempt)));
  }
  scheduler.add_worker(kFirst);
  next_grant_to(kFirst);
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(0, 3), kLong_s, kRetries), ignored) << "of a lost attempt";
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(0, 4), kLong_s, kRetries), retry) << "its first failure";
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(0, 5)));
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(0, 5), kLong_s, kRetries), final) << "its second one";
}

// Delay.

TEST_F(SchedulerTest, ARetryWaitsForItsDelayAndIsThenGivenThoughNothingElseHappens) {
  constexpr TimePoint kNow{10s};
  scheduler.advance(kNow);
  scheduler.add_tasks(1);
  add_workers(2);
  next_grant_to(kFirst);
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(0), kLong_s, 1, kNow + 5s), retry);
  EXPECT_TRUE(scheduler.has_delayed());
  EXPECT_FALSE(scheduler.has_ready());
  EXPECT_THAT(give_all(), IsEmpty());
  scheduler.advance(kNow + 4s);
  EXPECT_THAT(give_all(), IsEmpty());
  scheduler.advance(kNow + 5s);
  EXPECT_FALSE(scheduler.has_delayed());
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(0, 2)));
}

TEST_F(SchedulerTest, RetriesAreGivenInTheOrderInWhichTheyAreDue) {
  scheduler.add_tasks(2);
  add_workers(1);
  next_grant_to(kFirst);
  scheduler.on_outcome(kFirst, task(0), kLong_s, 1, TimePoint{9s});
  scheduler.on_outcome(kFirst, task(1), kLong_s, 1, TimePoint{3s});
  scheduler.advance(TimePoint{20s});
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(1, 2), task(0, 2)));
}

TEST_F(SchedulerTest, TimeDoesNotGoBack) {
  scheduler.add_tasks(1);
  add_workers(1);
  next_grant_to(kFirst);
  scheduler.advance(TimePoint{20s});
  scheduler.advance(TimePoint{1s});
  scheduler.on_outcome(kFirst, task(0), kLong_s, 1, TimePoint{10s});
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(0, 2)));
}

TEST_F(SchedulerTest, ARetryThatIsDueAlreadyIsReadyAtOnce) {
  constexpr TimePoint kNow{10s};
  scheduler.advance(kNow);
  scheduler.add_tasks(1);
  add_workers(1);
  next_grant_to(kFirst);
  scheduler.on_outcome(kFirst, task(0), kLong_s, 1, kNow);
  EXPECT_FALSE(scheduler.has_delayed());
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(0, 2)));
}

TEST_F(SchedulerTest, ADelayedRetryOutlivesItsWorker) {
  scheduler.add_tasks(1);
  scheduler.add_worker(kFirst);
  next_grant_to(kFirst);
  scheduler.on_outcome(kFirst, task(0), kLong_s, 1, TimePoint{1s});
  EXPECT_THAT(scheduler.on_worker_lost(kFirst), IsEmpty());
  scheduler.add_worker(kSecond);
  EXPECT_THAT(give_all(), IsEmpty());
  scheduler.advance(TimePoint{1s});
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(0, 2)));
}

TEST_F(SchedulerTest, RetriesThatWaitDoNotStillTheAppetiteForFreshTasks) {
  scheduler.add_tasks(2);
  add_workers(2);
  const std::uint64_t before = scheduler.appetite();
  next_grant_to(kFirst);
  next_grant_to(kSecond);
  scheduler.on_outcome(kFirst, task(0), kLong_s, 1, TimePoint{1s});
  EXPECT_EQ(scheduler.appetite(), before + 1) << "of use to nobody now";
  scheduler.advance(TimePoint{1s});
  EXPECT_EQ(scheduler.appetite(), before + 1) << "of no use to the worker that is idle";
}

// Shunning.

TEST_F(SchedulerTest, AnotherWorkerGetsTheRetry) {
  scheduler.add_tasks(2);
  add_workers(2);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(0)));
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(1)));
  scheduler.on_outcome(kFirst, task(0), kLong_s, 1);
  scheduler.on_outcome(kSecond, task(1), kLong_s, 1);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(1, 2)));
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(0, 2)));
}

TEST_F(SchedulerTest, AHungryWorkerIsPassedOverForWhatItFailed) {
  scheduler.add_tasks(4);
  add_workers(2);
  give_all();
  ASSERT_THAT(in_flight, SizeIs(4));
  scheduler.on_outcome(kFirst, task(0), kLong_s, 1);
  EXPECT_FALSE(scheduler.next_grant()) << "the second one has enough";
  scheduler.on_outcome(kSecond, task(2), kLong_s, 0);
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(0, 2)));
  scheduler.add_tasks(1);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(4))) << "and is not forgotten";
}

TEST_F(SchedulerTest, ATaskThatFailedTwiceShunsTheWorkerOfTheLastTime) {
  scheduler.add_tasks(1);
  add_workers(2);
  next_grant_to(kFirst);
  scheduler.on_outcome(kFirst, task(0), kLong_s, 2);
  next_grant_to(kSecond);
  scheduler.on_outcome(kSecond, task(0, 2), kLong_s, 2);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(0, 3)));
}

TEST_F(SchedulerTest, TheOnlyWorkerGetsItsOwnFailuresBackUntilAnotherOneComes) {
  scheduler.add_tasks(1);
  scheduler.add_worker(kFirst);
  next_grant_to(kFirst);
  scheduler.on_outcome(kFirst, task(0), kLong_s, 2);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(0, 2)));
  scheduler.add_worker(kSecond);
  scheduler.on_outcome(kFirst, task(0, 2), kLong_s, 2);
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(0, 3)));
}

TEST_F(SchedulerTest, AWorkerThatIsLeftAloneGetsItsOwnFailuresBack) {
  scheduler.add_tasks(2);
  add_workers(2);
  give_all();
  scheduler.on_outcome(kFirst, task(0), kLong_s, 1, TimePoint{1s});
  scheduler.on_outcome(kSecond, task(1), kLong_s, 0);
  scheduler.advance(TimePoint{1s});
  scheduler.on_worker_lost(kSecond);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(0, 2)));
}

TEST_F(SchedulerTest, WhatShunsALostWorkerIsForAllOthers) {
  constexpr Rank kThird{3};
  scheduler.add_tasks(3);
  add_workers(3);
  give_all();
  scheduler.on_outcome(kThird, task(2), kLong_s, 1);
  EXPECT_FALSE(scheduler.next_grant());
  scheduler.on_worker_lost(kThird);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(2, 2)));
}

TEST_F(SchedulerTest, ALostTaskStillShunsTheWorkerThatFailedIt) {
  constexpr Rank kThird{3};
  scheduler.add_tasks(1);
  add_workers(2);
  next_grant_to(kFirst);
  scheduler.on_outcome(kFirst, task(0), kLong_s, 1);
  next_grant_to(kSecond);
  scheduler.add_worker(kThird);
  scheduler.on_worker_lost(kSecond);
  EXPECT_THAT(next_grant_to(kThird), ElementsAre(task(0, 3)));
}

TEST_F(SchedulerTest, AnIdleWorkerThatMayNotTakeIsNotGrantedAndIsServedWhenSomethingElseComes) {
  scheduler.add_tasks(2);
  add_workers(2);
  give_all();
  scheduler.on_outcome(kFirst, task(0), kLong_s, 1);
  EXPECT_TRUE(scheduler.has_ready());
  EXPECT_FALSE(scheduler.has_ready_for(kFirst));
  EXPECT_TRUE(scheduler.has_ready_for(kSecond));
  EXPECT_FALSE(scheduler.next_grant()) << "the second one has a task, and the first one may not";
  EXPECT_FALSE(scheduler.next_grant());
  scheduler.add_tasks(1);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(2)));
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(0, 2)));
}

TEST_F(SchedulerTest, AHeldRunRetriesElsewhereToo) {
  scheduler.add_tasks(3);
  add_workers(2);
  next_grant_to(kFirst);
  next_grant_to(kSecond);
  scheduler.hold_fresh(true);
  scheduler.on_outcome(kFirst, task(0), kLong_s, 1);
  EXPECT_FALSE(scheduler.next_grant()) << "the first one may take neither the retry nor a fresh task";
  scheduler.on_outcome(kSecond, task(1), kLong_s, 0);
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(0, 2)));
  EXPECT_FALSE(scheduler.next_grant());
  scheduler.hold_fresh(false);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(2)));
}

// Batching.

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

// Recall.

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
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(0, 2), task(1, 2)));
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

// The end of shunning.

class ShunEndTest : public SchedulerTest {
 protected:
  // The second worker sits in a long task; the first one fails its own.
  void SetUp() override {
    scheduler.advance(kNow);
    scheduler.add_tasks(2);
    add_workers(2);
    give_all();
    ASSERT_EQ(scheduler.on_outcome(kFirst, in_flight.front().attempt, kLong_s, 1), retry);
  }
  static constexpr TimePoint kNow{100s};
};

TEST_F(ShunEndTest, WhatWasAsideMeanwhileShunsNobodyAnyMore) {
  ASSERT_EQ(scheduler.take(kSecond).task, TaskId(0));
  scheduler.set_aside(kSecond, TaskId(0));
  scheduler.bring_back();
  ASSERT_EQ(scheduler.take(kSecond).task, TaskId(0));
  scheduler.advance(kNow + Scheduler::kShunFor);
  scheduler.check_invariants();
}

TEST_F(ShunEndTest, ARetryThatNobodyElseCanTakeGoesBackInTheEnd) {
  scheduler.advance(kNow + Scheduler::kShunFor - 1ms);
  EXPECT_FALSE(scheduler.has_ready_for(kFirst));
  EXPECT_FALSE(scheduler.next_grant());
  scheduler.advance(kNow + Scheduler::kShunFor);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(0, 2)));
}

TEST_F(ShunEndTest, ARetryThatWaitsBehindALongTaskIsRecalledInTheEnd) {
  scheduler.add_tasks(1);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(2)));
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(0, 2)));
  EXPECT_EQ(scheduler.on_outcome(kFirst, task(2), kLong_s, 0), final);
  ASSERT_TRUE(scheduler.next_recall());
  scheduler.on_returned(kSecond, {});  // it was about to start it
  scheduler.advance(kNow + Scheduler::kShunFor);
  ASSERT_TRUE(scheduler.next_recall());
  scheduler.on_returned(kSecond, {TaskId(0)});
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(0, 2)));
}

TEST_F(ShunEndTest, ARetryThatIsOverHasNoShunToEnd) {
  ASSERT_EQ(scheduler.on_outcome(kSecond, in_flight.back().attempt, kLong_s, 0), final);
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(0, 2)));
  EXPECT_EQ(scheduler.on_outcome(kSecond, task(0, 2), kLong_s, 0), final);
  scheduler.advance(kNow + Scheduler::kShunFor);
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

// Two workers: the first one has failed tasks, whose retries are due later, and is idle; the second one is
// new.
class ShunnedRecallTest : public SchedulerTest {
 protected:
  void fail_at_first(std::uint64_t count) {
    scheduler.add_tasks(count);
    scheduler.add_worker(kFirst);
    while (scheduler.done() + failed_ < count) {
      give_all();
      for (; !in_flight.empty(); in_flight.pop_front(), ++failed_)
        scheduler.on_outcome(kFirst, in_flight.front().attempt, kShort_s, kRetries, kDue);
    }
    scheduler.add_worker(kSecond);
  }

  /// The second worker gives back what a recall asks for, the last one it got first.
  void answer(const Scheduler::Grant& recall) {
    ASSERT_EQ(recall.worker, kSecond);
    std::vector<TaskId> returned;
    for (; returned.size() < recall.count && in_flight.size() > 1; in_flight.pop_back())
      returned.push_back(in_flight.back().attempt.task);
    scheduler.on_returned(kSecond, returned);
  }

  /// How many recalls are made until there is nothing to say any more, or `bound`.
  std::size_t recalls_until_quiet(std::size_t bound) {
    std::size_t recalls = 0;
    for (; recalls < bound; ++recalls) {
      give_all();
      const auto recall = scheduler.next_recall();
      if (!recall) break;
      answer(*recall);
    }
    return recalls;
  }

  static constexpr int kRetries = 1;
  static constexpr TimePoint kDue{1s};
  std::uint64_t failed_ = 0;
};

TEST_F(ShunnedRecallTest, NothingIsRecalledThatTheIdleWorkerMayNotTake) {
  fail_at_first(100);
  scheduler.advance(kDue);
  EXPECT_THAT(give_all(), ElementsAre(50U)) << "its share, and no more while the first one is idle";
  EXPECT_FALSE(scheduler.next_recall());
  while (!in_flight.empty()) {
    end_oldest(kShort_s);
    give_all();
    EXPECT_FALSE(scheduler.next_recall());
  }
  EXPECT_EQ(scheduler.done(), 100U);
}

TEST_F(ShunnedRecallTest, RecallsOfWhatTheIdleWorkerMayNotTakeComeToAnEnd) {
  fail_at_first(100);
  scheduler.add_tasks(2);
  ASSERT_THAT(give_all(), ElementsAre(1U, 1U)) << "fresh ones, as the retries are not due";
  scheduler.advance(kDue);
  ASSERT_THAT(give_all(), Not(IsEmpty())) << "to the second one, behind what runs there";
  end_oldest(kShort_s);
  ASSERT_THAT(give_all(), IsEmpty()) << "to the first one, which is idle";
  EXPECT_LT(recalls_until_quiet(100), 10U) << "halved again and again";
  EXPECT_THAT(in_flight, SizeIs(1)) << "what runs at the second one";
  while (!in_flight.empty()) {
    end_oldest(kShort_s);
    EXPECT_EQ(recalls_until_quiet(100), 0U);
  }
  EXPECT_EQ(scheduler.done(), 102U);
}

TEST_F(ShunnedRecallTest, ATaskThatWaitsBehindOneThatShunsTheIdleWorkerIsRecalledForIt) {
  fail_at_first(1);
  scheduler.advance(kDue);
  scheduler.add_tasks(2);
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(1)));
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(0, 2)));
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(2)));
  scheduler.add_tasks(1);
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(3)));
  scheduler.on_outcome(kFirst, task(1), kLong_s, 0);
  scheduler.on_outcome(kFirst, task(2), kLong_s, 0);
  const auto recall = scheduler.next_recall();
  ASSERT_TRUE(recall);
  EXPECT_EQ(recall->worker, kSecond);
  scheduler.on_returned(kSecond, {TaskId(3)});
  EXPECT_THAT(next_grant_to(kFirst), ElementsAre(task(3)));
}

TEST_F(ShunnedRecallTest, WhatShunsOneIdleWorkerIsRecalledForAnother) {
  constexpr Rank kThird{3};
  fail_at_first(4);
  scheduler.advance(kDue);
  EXPECT_THAT(next_grant_to(kSecond), ElementsAre(task(0, 2), task(1, 2)));
  EXPECT_FALSE(scheduler.next_grant());
  scheduler.add_worker(kThird);
  EXPECT_THAT(next_grant_to(kThird), ElementsAre(task(2, 2)));
  scheduler.on_outcome(kThird, task(2, 2), kLong_s, 0);
  EXPECT_THAT(next_grant_to(kThird), ElementsAre(task(3, 2)));
  scheduler.on_outcome(kThird, task(3, 2), kLong_s, 0);
  const auto recall = scheduler.next_recall();
  ASSERT_TRUE(recall);
  scheduler.on_returned(kSecond, {TaskId(1)});
  EXPECT_THAT(next_grant_to(kThird), ElementsAre(task(1, 2)));
}

// An order.

TEST(OrderedScheduler, TasksAreFirstGivenInTheOrderAndSettledOnesNever) {
  parrun::TaskSet settled;
  settled.insert(TaskId(0));
  settled.insert(TaskId(2));
  Scheduler scheduler(settled, {TaskId(2), TaskId(4), TaskId(1), TaskId(0), TaskId(3)});
  scheduler.add_worker(kFirst);
  scheduler.add_tasks(5);
  scheduler.check_invariants();
  std::vector<std::uint64_t> given;
  while (scheduler.done() < scheduler.known()) {
    ASSERT_TRUE(scheduler.has_ready_for(kFirst));
    const Assignment next = scheduler.take(kFirst);
    scheduler.check_invariants();
    given.push_back(next.task.get());
    // The first attempt of task 4 fails: its second one goes before what is fresh.
    scheduler.on_outcome(kFirst, next, kShort_s, next == task(4) ? 1 : 0);
    scheduler.check_invariants();
  }
  EXPECT_THAT(given, ElementsAre(4, 4, 1, 3));
}

// Urgency.

TEST_F(SchedulerTest, WorkersAreSuppliedForHalfABatchWhileNoneIsIdleNorHungry) {
  add_workers(1);
  EXPECT_EQ(scheduler.supplied_for(), 0s) << "the worker has nothing";
  scheduler.add_tasks(8);
  EXPECT_THAT(give_all(), ElementsAre(2));
  constexpr double kWay_s = 7;
  scheduler.on_outcome(kFirst, task(0), {kLong_s, kWay_s}, 0);
  EXPECT_EQ(scheduler.supplied_for(), 0s) << "it has no more than the one that executes";
  give_all();
  EXPECT_EQ(scheduler.supplied_for(), 500ms) << "what is on its way keeps no worker busy";
  scheduler.add_worker(kSecond);
  EXPECT_EQ(scheduler.supplied_for(), 0s) << "another one came";
}

}  // namespace
