// The orders of events between a worker and its executor that real processes show only rarely, each made to
// happen.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "core/outcome.hpp"
#include "exec/executor.hpp"
#include "support/batches.hpp"
#include "support/fake_body.hpp"
#include "support/given_tasks.hpp"
#include "support/manual_clock.hpp"

namespace {

using namespace parrun;
using namespace std::chrono_literals;
using parrun::test::FakeBody;
using parrun::test::ids_of;
using parrun::test::ManualClock;
using parrun::test::outcomes_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Lt;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

class ExecutorOrderTest : public ::testing::Test {
 protected:
  void give(std::uint64_t index, std::optional<std::uint64_t> output_limit = {}) {
    TaskSpec spec = test::command("true");
    spec.resources.output_bytes = output_limit;
    const Bytes payload = encode(spec);
    executor.give(given_task({{TaskId(index)}, payload}));
  }
  std::vector<Outcome> turn() { return outcomes_of(executor.turn(clock.now())); }
  std::optional<Assignment> begin_next() { return body->begin_next(clock.now()); }
  static std::optional<Assignment> attempt(std::uint64_t index) { return Assignment{TaskId(index), 1}; }

  ManualClock clock;
  FakeBody* body = new FakeBody;
  Executor executor{std::unique_ptr<ExecutorBody>(body)};
};

TEST_F(ExecutorOrderTest, NothingIsStartedBeforeThereIsATask) {
  turn();
  EXPECT_EQ(body->starts, 0);
  EXPECT_FALSE(executor.current());
  give(0);
  turn();
  EXPECT_EQ(body->starts, 1);
  EXPECT_FALSE(executor.current()) << "it has not begun";
  EXPECT_EQ(executor.waiting(), 1U);
}

TEST_F(ExecutorOrderTest, OneThatIsPreparedWaitsForTheFirstTaskAndIsNotReplacedBeforeThereIsOne) {
  executor.prepare();
  turn();
  EXPECT_EQ(body->starts, 1);
  body->die(SIGKILL);
  turn();
  EXPECT_EQ(body->starts, 1);
  executor.prepare();
  turn();
  give(0);
  turn();
  EXPECT_EQ(body->starts, 2);
  EXPECT_EQ(begin_next(), attempt(0));
}

TEST_F(ExecutorOrderTest, TheExecutingTaskIsTheLastThatBeganAndSinceThen) {
  give(0);
  give(1);
  turn();
  clock.advance(1h);  // past the turn: before it nothing can have begun
  EXPECT_EQ(begin_next(), attempt(0));
  EXPECT_EQ(executor.current()->attempt, attempt(0));
  EXPECT_EQ(executor.current()->since, clock.now());
  body->finish();  // and nobody has taken its outcome yet
  clock.advance(1s);
  EXPECT_EQ(begin_next(), attempt(1));
  EXPECT_EQ(executor.current()->attempt, attempt(1));
  EXPECT_EQ(executor.current()->since, clock.now());
  EXPECT_THAT(turn(), SizeIs(1));
  EXPECT_EQ(executor.current()->attempt, attempt(1));
  EXPECT_EQ(executor.waiting(), 0U);
}

TEST_F(ExecutorOrderTest, WhatTheNextTaskWritesIsNotTrimmedToTheLimitOfTheOneThatEnds) {
  give(0, 1000);
  turn();
  begin_next();
  clock.advance(10ms);
  turn();
  EXPECT_EQ(body->trimmed, 1000U);
  give(1, 5000);
  turn();
  clock.advance(10ms);
  turn();
  EXPECT_EQ(body->trimmed, 5000U) << "it may have begun";
  body->trimmed.reset();
  give(2);
  turn();
  clock.advance(10ms);
  turn();
  EXPECT_FALSE(body->trimmed) << "of that one all is kept";
}

TEST_F(ExecutorOrderTest, ATaskThatEndsWhileItIsBeingKilledSucceedsAndTheNextOneDoesNotDieInItsPlace) {
  give(0);
  give(1);
  turn();
  begin_next();
  EXPECT_TRUE(executor.kill(*attempt(0), State::timed_out, "reached its limit"));
  EXPECT_THAT(turn(), IsEmpty());
  body->finish();
  begin_next();
  body->die(SIGKILL);
  const std::vector<Outcome> outcomes = turn();
  ASSERT_THAT(outcomes, SizeIs(1));
  EXPECT_EQ(outcomes.front().task, TaskId(0));
  EXPECT_TRUE(outcomes.front().succeeded());
  turn();
  EXPECT_EQ(body->starts, 2);
  EXPECT_EQ(begin_next(), attempt(1)) << "it waits for the next executor";
}

TEST_F(ExecutorOrderTest, ATaskThatHasEndedIsNotKilledAndNeitherIsTheOneBehindIt) {
  give(0);
  give(1);
  turn();
  begin_next();
  body->finish();
  begin_next();
  EXPECT_TRUE(executor.kill(*attempt(0), State::timed_out, "reached its limit"));
  EXPECT_EQ(body->kills, 0);
  body->finish();
  EXPECT_THAT(turn(), SizeIs(2));
}

TEST_F(ExecutorOrderTest, ATaskIsKilledOnceAndItsFirstVerdictStands) {
  give(0);
  turn();
  begin_next();
  EXPECT_TRUE(executor.kill(*attempt(0), State::timed_out, "reached its limit"));
  EXPECT_TRUE(executor.kill(*attempt(0), State::cancelled, "the run was stopped"));
  EXPECT_EQ(body->kills, 1);
  body->die(SIGKILL);
  const std::vector<Outcome> outcomes = turn();
  ASSERT_THAT(outcomes, SizeIs(1));
  EXPECT_EQ(outcomes.front().state, State::timed_out);
  EXPECT_EQ(outcomes.front().error, "reached its limit");
}

TEST_F(ExecutorOrderTest, ATaskThatDiesTakesNoOtherWithIt) {
  for (std::uint64_t task = 0; task < 3; ++task) give(task);
  turn();
  begin_next();
  body->output = {"said", "complained"};
  body->die(SIGSEGV);
  const std::vector<Outcome> outcomes = turn();
  ASSERT_THAT(outcomes, SizeIs(1));
  EXPECT_EQ(outcomes.front().task, TaskId(0));
  EXPECT_EQ(outcomes.front().state, State::failed);
  EXPECT_EQ(outcomes.front().signal, SIGSEGV);
  EXPECT_EQ(outcomes.front().stdout_text, "said");
  EXPECT_EQ(outcomes.front().stderr_text, "complained");
  turn();
  EXPECT_EQ(begin_next(), attempt(1));
}

TEST_F(ExecutorOrderTest, ATaskThatBeganBehindTheTurnsLookAtTheClockAndDiedHasLastedMoreThanNothing) {
  give(0);
  turn();
  ASSERT_TRUE(body->begin_next(clock.now() + std::chrono::milliseconds(5)));
  body->die(SIGSEGV);
  const std::vector<Outcome> outcomes = turn();
  ASSERT_THAT(outcomes, SizeIs(1));
  EXPECT_GT(outcomes.front().elapsed_s, 0);
}

TEST_F(ExecutorOrderTest, OutcomesThatADeadExecutorHadWrittenCount) {
  give(0);
  give(1);
  turn();
  begin_next();
  body->finish();
  begin_next();
  body->finish();
  body->die(SIGKILL);
  EXPECT_THAT(turn(), SizeIs(2));
  EXPECT_FALSE(executor.has_tasks());
}

TEST_F(ExecutorOrderTest, ATaskThatBeganBeforeItsRecallIsNotReturned) {
  for (std::uint64_t task = 0; task < 4; ++task) give(task);
  turn();
  begin_next();
  body->finish();
  begin_next();
  EXPECT_THAT(ids_of(executor.take_back(1)), ElementsAre(TaskId(3)));
  EXPECT_THAT(turn(), SizeIs(1));
  body->finish();
  EXPECT_EQ(begin_next(), attempt(2)) << "what stays is written again";
  EXPECT_THAT(executor.take_back(9), IsEmpty());
}

TEST_F(ExecutorOrderTest, OneThatHasNothingLeftByTheEndOfATurnIsNotLeftWaitingForAWholeNap) {
  give(0);
  turn();
  body->channel().outcomes.nudge();
  const TimePoint start = Clock::now();
  executor.nap(10s);
  EXPECT_LT(Clock::now() - start, 5s);
  turn();  // that is seen to now
  const TimePoint again = Clock::now();
  executor.nap(20ms);
  EXPECT_GE(Clock::now() - again, 15ms);
}

TEST_F(ExecutorOrderTest, TermsAreToldOnceAsLongAsTheyAreTheSame) {
  give(0);
  turn();
  begin_next();
  body->finish();
  turn();
  const Ring& told = body->channel().tasks;
  ASSERT_FALSE(told.has_data());
  executor.set_terms({.rank = 3}, std::nullopt);
  turn();
  const std::size_t once = told.available();
  EXPECT_GT(once, 0U);
  executor.set_terms({.rank = 3}, 1s);
  turn();
  EXPECT_EQ(told.available(), once);
  executor.set_terms({.rank = 4}, 1s);
  turn();
  EXPECT_EQ(told.available(), 2 * once);
}

TEST_F(ExecutorOrderTest, NothingStartsBetweenARecallAndItsResumeFrame) {
  for (std::uint64_t task = 0; task < 3; ++task) give(task);
  turn();
  executor.take_back(1);
  EXPECT_EQ(begin_next(), std::nullopt);
  turn();
  EXPECT_EQ(begin_next(), attempt(0));
}

TEST_F(ExecutorOrderTest, WhatIsStillOutsideTheRingIsTakenBackWithoutARecall) {
  const Bytes large = encode(test::command(std::string(Ring::kCapacity, 'x')));
  executor.give(given_task({{TaskId(0)}, large}));
  give(1);
  give(2);
  turn();
  EXPECT_THAT(ids_of(executor.take_back(2)), ElementsAre(TaskId(2), TaskId(1)));
  EXPECT_EQ(body->channel().progress().started, 0U);
}

// What cannot go on.

TEST_F(ExecutorOrderTest, ExecutorsThatDieBeforeTheyStartATaskAreGivenUpAfterAFew) {
  give(0);
  const auto die_and_turn = [&] {
    turn();
    body->die(SIGKILL);
    turn();
  };
  EXPECT_THAT(
      [&] {
        for (int i = 0; i < 10; ++i) die_and_turn();
      },
      ThrowsMessage<std::runtime_error>(HasSubstr("before they start a task")));
  EXPECT_LE(body->starts, 6);
}

TEST_F(ExecutorOrderTest, AForkInAdvanceThatFailsIsTriedAgainForTheFirstTask) {
  executor.prepare();
  turn();
  body->fail_to_fork(EAGAIN);
  turn();
  EXPECT_EQ(body->starts, 1);
  give(0);
  turn();
  EXPECT_EQ(body->starts, 2);
  EXPECT_EQ(begin_next(), attempt(0));
}

TEST_F(ExecutorOrderTest, AForkThatFailsIsToldWithItsReason) {
  give(0);
  turn();
  body->fail_to_fork(EAGAIN);
  EXPECT_THAT([&] { turn(); }, ThrowsMessage<std::runtime_error>(HasSubstr("cannot fork")));
}

TEST_F(ExecutorOrderTest, ATaskThatWritesOverTheOutcomesFailsAlone) {
  give(0);
  give(1);
  turn();
  begin_next();
  body->channel().outcomes.write("garbage garbage garbage garbage");
  turn();
  EXPECT_EQ(body->kills, 1);
  body->die(SIGKILL);
  const std::vector<Outcome> outcomes = turn();
  ASSERT_THAT(outcomes, SizeIs(1));
  EXPECT_EQ(outcomes.front().state, State::failed);
  EXPECT_THAT(outcomes.front().error, HasSubstr("wrote over its executor's memory"));
  turn();
  EXPECT_EQ(begin_next(), attempt(1));
}

TEST_F(ExecutorOrderTest, ATaskThatWritesOverTheCountsFailsAlone) {
  for (const int byte : {0, 0x41, 0xff}) {
    for (std::uint64_t task = 0; task < 5; ++task) give(task);
    turn();
    begin_next();
    turn();
    body->write_over_counts(byte);
    body->kills = 0;
    turn();
    EXPECT_EQ(body->kills, 1);
    body->die(SIGKILL);
    const std::vector<Outcome> outcomes = turn();
    ASSERT_THAT(outcomes, SizeIs(1)) << byte;
    EXPECT_EQ(outcomes.front().task, TaskId(0));
    EXPECT_THAT(outcomes.front().error, HasSubstr("wrote over its executor's memory"));
    for (std::uint64_t task = 1; task < 5; ++task) {
      turn();
      EXPECT_EQ(begin_next(), attempt(task));
      body->finish();
    }
    EXPECT_THAT(turn(), SizeIs(1));
  }
}

// The outcome of each that had ended is there, or damaged.
TEST_F(ExecutorOrderTest, NoMoreThanOneDiesWithItsExecutorHoweverManyAreSaidToHaveBegun) {
  for (std::uint64_t task = 0; task < 5; ++task) give(task);
  turn();
  begin_next();
  body->claim_more();
  body->claim_more();
  body->die(SIGSEGV);
  EXPECT_THAT(turn(), SizeIs(1));
  turn();
  EXPECT_EQ(begin_next(), attempt(1));
}

// Else a task that makes it look so is tried for ever.
TEST_F(ExecutorOrderTest, OneThatDoesNotAnswerThoughNothingHasBegunIsForItsFirstTaskTheSecondTime) {
  give(0);
  give(1);
  const auto be_silent = [&] {
    for (int i = 0; i < 23; ++i) {
      turn();
      clock.advance(500ms);
    }
    body->die(SIGKILL);
    return turn();
  };
  EXPECT_THAT(be_silent(), IsEmpty());
  EXPECT_EQ(body->kills, 1);
  const std::vector<Outcome> outcomes = be_silent();
  ASSERT_THAT(outcomes, SizeIs(1));
  EXPECT_EQ(outcomes.front().error, "its executor did not answer");
  turn();
  EXPECT_EQ(begin_next(), attempt(1));
}

// The folder of the attempt before is large, or its file system slow: that is no fault of the next one.
TEST_F(ExecutorOrderTest, OneThatRemovesWhatAnAttemptHasLeftHasMinutesForIt) {
  give(0);
  give(1);
  turn();
  begin_next();
  body->leftovers = true;
  body->finish();
  const auto turns_until = [&](auto end) {
    int turns = 0;
    for (; !end() && turns < 1000; ++turns) {
      turn();
      clock.advance(500ms);
    }
    return turns;
  };
  EXPECT_THAT(turns_until([&] { return body->kills > 0; }), AllOf(Gt(240), Lt(1000)));
  body->die(SIGKILL);
  EXPECT_THAT(turn(), IsEmpty()) << "it is given to another one";
  body->leftovers = false;
  turn();
  EXPECT_EQ(begin_next(), attempt(1));
}

// One ended as it was sentenced, and the next one had begun when its executor was killed.
TEST_F(ExecutorOrderTest, AnAttemptThatDiesForTheLimitOfTheOneBeforeItIsMadeAgain) {
  give(0);
  give(1);
  turn();
  begin_next();
  body->finish();
  begin_next();
  body->die_for(ExceededLimit::memory, *attempt(0));
  const std::vector<Outcome> outcomes = turn();
  ASSERT_THAT(outcomes, SizeIs(1));
  EXPECT_TRUE(outcomes.front().succeeded());
  turn();
  EXPECT_EQ(begin_next(), attempt(1));
  body->die_for(ExceededLimit::memory, *attempt(1));
  ASSERT_THAT(turn(), SizeIs(1));
}

// Else an attempt that writes over what the zygote reads is made for ever.
TEST_F(ExecutorOrderTest, OneThatDiesForTheLimitsOfOthersTwiceIsNotMadeAgain) {
  give(1);
  const auto die_for_another = [&] {
    turn();
    begin_next();
    body->die_for(ExceededLimit::memory, *attempt(0));
    return turn();
  };
  EXPECT_THAT(die_for_another(), IsEmpty());
  EXPECT_THAT(die_for_another(), SizeIs(1));
}

// Whose task has told its outcome, and what it wrote behind that nobody wants.
TEST_F(ExecutorOrderTest, OfOneThatDiesBetweenItsTasksNoOutputIsTaken) {
  give(0);
  turn();
  begin_next();
  body->finish();
  body->die(0);
  EXPECT_THAT(turn(), SizeIs(1));
  EXPECT_EQ(body->taken_up_to, 0U);
}

TEST_F(ExecutorOrderTest, WhatHadEndedIsThereAlsoWhereATurnFails) {
  give(0);
  turn();
  begin_next();
  body->finish();
  body->fault = "gone";
  EXPECT_THROW(turn(), std::runtime_error);
  EXPECT_THAT(outcomes_of(executor.take_ended()), SizeIs(1));
  EXPECT_THAT(executor.take_ended(), IsEmpty());
}

TEST_F(ExecutorOrderTest, AnOutcomeThatArrivesInPiecesIsTakenWhole) {
  give(0);
  turn();
  begin_next();
  Outcome whole;
  whole.value = "value";
  const Bytes frame = framed(encode(whole));
  for (std::size_t i = 0; i + 1 < frame.size(); ++i) {
    body->channel().outcomes.write(frame.substr(i, 1));
    ASSERT_THAT(turn(), IsEmpty());
  }
  body->channel().outcomes.write(frame.substr(frame.size() - 1));
  const std::vector<Outcome> outcomes = turn();
  ASSERT_THAT(outcomes, SizeIs(1));
  EXPECT_EQ(outcomes.front().value, "value");
}

// Threads.

TEST(UnkillableExecutor, ATaskOnAThreadCannotBeEndedAndThoseBehindItStillRun) {
  auto* body = new FakeBody(false);
  Executor executor{std::unique_ptr<ExecutorBody>(body)};
  for (std::uint64_t index = 0; index < 2; ++index) {
    const Bytes payload = encode(test::command("true"));
    executor.give(given_task({{TaskId(index)}, payload}));
  }
  executor.turn(Clock::now());
  body->begin_next(Clock::now());
  EXPECT_FALSE(executor.kill({TaskId(0), 1}, State::timed_out, "reached its limit"));
  body->finish();
  executor.turn(Clock::now());
  EXPECT_TRUE(body->begin_next(Clock::now()));
  body->finish();
  EXPECT_THAT(executor.turn(Clock::now()), SizeIs(1));
  EXPECT_FALSE(executor.has_tasks());
}

}  // namespace
