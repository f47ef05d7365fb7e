#include "core/limit_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "support/manual_clock.hpp"

namespace {

using namespace parrun;
using namespace std::chrono_literals;
using parrun::test::ManualClock;
using ::testing::HasSubstr;
using Kind = Expiry::Kind;

constexpr Rank kOne{1};
constexpr Rank kTwo{2};
constexpr Duration kForever = 1000h;

class LimitWatchTest : public ::testing::Test {
 protected:
  static Limits none() { return {.timeout = {}, .deadline = {}, .stall = {}, .lost_after = kForever}; }
  LimitWatch watch(const Limits& limits) const { return {limits, start, 3}; }

  /// The limit passes at `at`, and 1 ns earlier it does not.
  static std::optional<Expiry> passes_at(const LimitWatch& watch, TimePoint at) {
    EXPECT_FALSE(watch.tick(at - 1ns)) << "a nanosecond early";
    EXPECT_TRUE(watch.tick(at + 1h)) << "late";
    return watch.tick(at);
  }
  static Running running(std::uint64_t task, TimePoint since, std::optional<Duration> limit) {
    return {{TaskId(task), 1}, since, limit};
  }

  ManualClock clock;
  TimePoint start = clock.now();
};

TEST_F(LimitWatchTest, WithoutLimitsNothingPasses) {
  const LimitWatch idle = watch(none());
  EXPECT_FALSE(idle.tick(start + 100 * kForever));
  EXPECT_EQ(idle.next_limit(), TimePoint::max());
}

TEST_F(LimitWatchTest, AnOuterLimitHoldsWhereItIsNowAndMayBeMovedAndTakenAway) {
  LimitWatch run = watch(none());
  run.set_outer(OuterLimit{start + 10s, "the job ends"});
  run.set_outer(OuterLimit{start + 20s, "the job ends"});
  EXPECT_EQ(run.next_limit(), start + 20s);
  const auto expiry = passes_at(run, start + 20s);
  ASSERT_TRUE(expiry);
  EXPECT_EQ(expiry->kind, Kind::deadline);
  EXPECT_EQ(expiry->what, "the job ends");
  run.set_outer(std::nullopt);
  EXPECT_FALSE(run.tick(start + kForever - 1s));
}

TEST_F(LimitWatchTest, TheDeadlineRunsFromTheStartWhateverHappens) {
  Limits limits = none();
  limits.deadline = 10s;
  LimitWatch run = watch(limits);
  run.on_message(kOne, start + 9s);
  run.on_outcome(start + 9s);
  const auto expiry = passes_at(run, start + 10s);
  ASSERT_TRUE(expiry);
  EXPECT_EQ(expiry->kind, Kind::deadline);
  EXPECT_FALSE(expiry->rank);
  EXPECT_THAT(expiry->what, HasSubstr("deadline of 10 s"));
  EXPECT_EQ(run.next_limit(), start + 10s);
}

// Stall.

class StallTest : public LimitWatchTest {
 protected:
  static Limits stall() {
    Limits limits = none();
    limits.stall = 5s;
    return limits;
  }
  LimitWatch run = watch(stall());
};

TEST_F(StallTest, TheStallClockDoesNotRunBeforeTheFirstGrant) {
  EXPECT_FALSE(run.tick(start + kForever));
  EXPECT_EQ(run.next_limit(), TimePoint::max());
  run.on_wait(start + 100s);
  const auto expiry = passes_at(run, start + 105s);
  ASSERT_TRUE(expiry);
  EXPECT_EQ(expiry->kind, Kind::stall);
  EXPECT_THAT(expiry->what, HasSubstr("no task ended for 5.0 s"));
}

TEST_F(StallTest, LaterGrantsDoNotPutTheStallOff) {
  run.on_wait(start);
  run.on_wait(start + 4s);
  EXPECT_TRUE(passes_at(run, start + 5s));
}

TEST_F(StallTest, EachOutcomePutsTheStallOffAndAMessageDoesNot) {
  run.on_wait(start);
  run.on_outcome(start + 4s);
  run.on_message(kOne, start + 8s);
  run.on_running(kOne, running(7, start + 8s, {}));
  EXPECT_EQ(run.next_limit(), start + 9s);
  EXPECT_TRUE(passes_at(run, start + 9s));
}

TEST_F(StallTest, WhileTheCallersOwnCodeIsAskedForTasksTheClockStands) {
  run.on_pulled(start + 2s);
  EXPECT_FALSE(run.tick(start + kForever)) << "nothing is waited for yet";
  run.on_wait(start);  // as of a turn that began before
  EXPECT_TRUE(passes_at(run, start + 7s));
  run.on_outcome(start + 8s);
  EXPECT_TRUE(passes_at(run, start + 13s));
}

TEST_F(StallTest, AFinishedRunDoesNotStall) {
  run.on_wait(start);
  run.on_outcome(start + 1s);
  run.on_rest();
  EXPECT_FALSE(run.tick(start + kForever));
}

TEST_F(StallTest, TheNextRunBeginsWithLimitsAndClocksOfItsOwn) {
  run.on_wait(start);
  Limits next = stall();
  next.deadline = 20s;
  next.stall = 2s;
  run.restart(next, start + 100s);
  EXPECT_FALSE(run.tick(start + 119s)) << "nothing was given out yet in this run";
  run.on_wait(start + 101s);
  EXPECT_EQ(passes_at(run, start + 103s)->kind, Kind::stall);
  run.on_rest();
  EXPECT_EQ(passes_at(run, start + 120s)->kind, Kind::deadline);
}

// Pauses of rank 0.

TEST_F(LimitWatchTest, AfterAPauseOfRankZerosOwnSilenceIsCountedFromItsEnd) {
  LimitWatch run = watch(none());
  run.on_message(kOne, start);
  run.on_message(kTwo, start);
  run.on_running(kOne, running(7, start, 3s));
  run.on_turn(start + 10ms);
  run.on_turn(start + 100s);
  EXPECT_FALSE(run.tick(start + 100s)) << "what they said meanwhile is still to be read";
  EXPECT_EQ(passes_at(run, start + 100s + LimitWatch::kSilence)->kind, Kind::task);
  run.on_running(kOne, std::nullopt);
  EXPECT_EQ(passes_at(run, start + 100s + none().lost_after)->kind, Kind::lost);
}

TEST_F(LimitWatchTest, APauseMayBeToldWhileTheLoopTurns) {
  LimitWatch run = watch({.timeout = {}, .deadline = {}, .stall = 3s, .lost_after = none().lost_after});
  run.on_wait(start);
  for (Duration at{}; at <= 10s; at += 100ms) run.on_turn(start + at);
  EXPECT_TRUE(run.tick(start + 10s));
  run.on_pause(start + 10s);
  EXPECT_EQ(passes_at(run, start + 10s + LimitWatch::kPause)->kind, Kind::stall);
}

TEST_F(LimitWatchTest, ALoopThatTurnsHasNoPauses) {
  Limits limits = none();
  limits.lost_after = 30s;
  LimitWatch run = watch(limits);
  run.on_message(kOne, start);
  for (Duration at{}; at < limits.lost_after; at += 100ms) run.on_turn(start + at);
  EXPECT_TRUE(passes_at(run, start + limits.lost_after));
}

TEST_F(LimitWatchTest, AWorkerThatStillTalksEndsItsTaskItself) {
  LimitWatch run = watch(none());
  run.on_running(kOne, running(7, start, 3s));
  run.on_message(kOne, start + 5s);
  EXPECT_FALSE(run.tick(start + 5s)) << "it may be at killing the task";
  EXPECT_TRUE(passes_at(run, start + 5s + LimitWatch::kSilence));
}

// A task's own limit.

TEST_F(LimitWatchTest, ATaskWhoseWorkerDoesNotAnswerExpiresASecondAfterItsLimit) {
  LimitWatch run = watch(none());
  run.on_running(kTwo, running(7, start + 1s, 3s));
  EXPECT_EQ(run.next_limit(), start + 5s);
  const auto expiry = passes_at(run, start + 1s + 3s + 1s);
  ASSERT_TRUE(expiry);
  EXPECT_EQ(expiry->kind, Kind::task);
  EXPECT_EQ(expiry->rank, kTwo);
  EXPECT_THAT(expiry->what, HasSubstr("task 7 reached its limit of 3.0 s and rank 2"));
}

TEST_F(LimitWatchTest, ATaskWithoutALimitNeverExpires) {
  LimitWatch run = watch(none());
  run.on_running(kOne, running(7, start, std::nullopt));
  EXPECT_FALSE(run.tick(start + kForever));
  EXPECT_EQ(run.next_limit(), TimePoint::max());
}

TEST_F(LimitWatchTest, ATaskThatEndedOrWasFollowedByAnotherDoesNotExpire) {
  LimitWatch run = watch(none());
  run.on_running(kOne, running(7, start, 3s));
  run.on_running(kOne, running(8, start + 3s, 3s));
  EXPECT_TRUE(passes_at(run, start + 7s));
  run.on_running(kOne, std::nullopt);
  EXPECT_FALSE(run.tick(start + kForever));
}

TEST_F(LimitWatchTest, OfSeveralTasksTheEarliestLimitPassesFirst) {
  LimitWatch run = watch(none());
  run.on_running(kOne, running(1, start, 9s));
  run.on_running(kTwo, running(2, start, 4s));
  EXPECT_EQ(run.next_limit(), start + 5s);
  EXPECT_EQ(passes_at(run, start + 5s)->rank, kTwo);
}

// Silence.

class SilenceTest : public LimitWatchTest {
 protected:
  static Limits lost_after() {
    Limits limits = none();
    limits.lost_after = 30s;
    return limits;
  }
  LimitWatch run = watch(lost_after());
};

TEST_F(SilenceTest, AWorkerIsLostThatLongAfterItsLastMessage) {
  run.on_message(kOne, start);
  run.on_message(kTwo, start + 1h);
  run.on_message(kOne, start + 10s);
  const auto expiry = passes_at(run, start + 40s);
  ASSERT_TRUE(expiry);
  EXPECT_EQ(expiry->kind, Kind::lost);
  EXPECT_EQ(expiry->rank, kOne);
  EXPECT_THAT(expiry->what, HasSubstr("rank 1 was silent for 30 s"));
}

TEST_F(SilenceTest, ARankThatWasNeverHeardOfIsNotWatched) { EXPECT_FALSE(run.tick(start + kForever)); }

TEST_F(SilenceTest, AWorkerIsNotLostAfterItsFarewell) {
  run.on_message(kOne, start);
  run.on_running(kOne, running(7, start, 3s));
  run.on_farewell(kOne);
  EXPECT_FALSE(run.tick(start + kForever));
  EXPECT_FALSE(run.running(kOne));
}

TEST_F(SilenceTest, TheWorkersStayWatchedInTheNextRun) {
  run.on_message(kOne, start);
  run.restart(lost_after(), start + 20s);
  EXPECT_EQ(passes_at(run, start + 30s)->rank, kOne);
}

TEST_F(LimitWatchTest, TheRunsOwnLimitsAreNamedBeforeTheWorkers) {
  Limits limits = none();
  limits.deadline = 1s;
  limits.stall = 1s;
  limits.lost_after = 1s;
  LimitWatch run = watch(limits);
  run.on_message(kOne, start);
  run.on_wait(start);
  EXPECT_EQ(run.tick(start + 1s)->kind, Kind::deadline);
}

}  // namespace
