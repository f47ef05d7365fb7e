#include "report/console.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "support/manual_clock.hpp"
#include "support/wait_until.hpp"

namespace {

using namespace std::chrono_literals;
using namespace parrun;
using parrun::test::ManualClock;
using parrun::test::wait_until;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

Outcome outcome(std::uint64_t task, const std::string& out, State state = State::succeeded) {
  Outcome outcome;
  outcome.task = TaskId(task);
  outcome.state = state;
  outcome.rank = Rank(1);
  outcome.host = "node1";
  outcome.stdout_text = out;
  if (state != State::succeeded) outcome.error = "exit code 3";
  return outcome;
}

Dispatcher::Counts counts(std::uint64_t done, std::uint64_t failed, std::uint64_t executing,
                          std::uint64_t known) {
  Dispatcher::Counts counts;
  counts.done = done;
  counts.failed = failed;
  counts.executing = executing;
  counts.known = known;
  return counts;
}

// A console on descriptors 1 and 2, which lead into files until finish().
class ConsoleTest : public ::testing::Test {
 protected:
  struct Text {
    std::string out;
    std::string err;
  };

  void SetUp() override {
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
  }
  void TearDown() override {
    if (console) finish();
  }
  Console& start(Format format = Format::raw, Order order = Order::completion, bool progress = false,
                 bool quiet = false) {
    Console::Options options;
    options.format = format;
    options.order = order;
    options.progress = progress;
    options.quiet = quiet;
    console = std::make_unique<Console>(options, clock.now());
    return *console;
  }
  void end(std::uint64_t task, const std::string& out, State state = State::succeeded) {
    console->on_outcome(outcome(task, out, state), TaskHead{});
  }
  /// All that was shown.
  Text finish() {
    EXPECT_TRUE(wait_until([&] { return console->flushed(); }, 20s));
    console.reset();
    Text text;
    text.err = ::testing::internal::GetCapturedStderr();
    text.out = ::testing::internal::GetCapturedStdout();
    return text;
  }

  ManualClock clock;
  std::unique_ptr<Console> console;
};

TEST_F(ConsoleTest, ShowsOutputsInTheOrderOfCompletionEachKeptTogether) {
  start();
  end(2, "two a\ntwo b\n");
  end(0, "zero a\nzero b\n");
  EXPECT_EQ(finish().out, "two a\ntwo b\nzero a\nzero b\n");
}

TEST_F(ConsoleTest, ShowsOutputsInTheOrderOfSubmissionWhereThatIsWanted) {
  start(Format::raw, Order::submission);
  for (const std::uint64_t task : {3, 1, 0, 4, 2}) end(task, std::to_string(task) + "\n");
  EXPECT_EQ(finish().out, "0\n1\n2\n3\n4\n");
}

TEST_F(ConsoleTest, AFailedTaskDoesNotHoldTheOrderUp) {
  start(Format::raw, Order::submission);
  end(1, "1\n");
  end(0, "0\n", State::failed);
  EXPECT_EQ(finish().out, "0\n1\n");
}

TEST_F(ConsoleTest, WhatIsHeldForItsOrderIsShownWhenALimitIsReached) {
  start(Format::raw, Order::submission);
  end(3, "3\n");
  end(1, "1\n");
  console->on_limit({Expiry::Kind::task, Rank(1), "task 0 reached its limit"}, {});
  EXPECT_EQ(finish().out, "1\n3\n");
}

TEST_F(ConsoleTest, WhatIsHeldForItsOrderIsShownAtTheEnd) {
  start(Format::raw, Order::submission);
  end(1, "1\n");
  console->on_end(counts(1, 0, 0, 2), clock.advance(1s));
  EXPECT_EQ(finish().out, "1\n");
}

TEST_F(ConsoleTest, MuchThatIsHeldForItsOrderIsCongestion) {
  start(Format::raw, Order::submission);
  for (std::uint64_t task = 1; task <= 5; ++task) end(task, std::string(std::size_t{64} << 20, 'x'));
  EXPECT_TRUE(console->congested());
  EXPECT_TRUE(console->flushed()) << "nothing of it has left";
  console.reset();  // and never will
  ::testing::internal::GetCapturedStderr();
  ::testing::internal::GetCapturedStdout();
}

TEST_F(ConsoleTest, ACommandsStderrGoesToStderr) {
  start();
  Outcome one = outcome(0, "out\n");
  one.stderr_text = "err\n";
  console->on_outcome(one, TaskHead{});
  const Text text = finish();
  EXPECT_EQ(text.out, "out\n");
  EXPECT_EQ(text.err, "err\n");
}

TEST_F(ConsoleTest, JsonLinesAreOneObjectForEachOutcome) {
  start(Format::jsonl);
  end(0, "a\nb\n");
  end(1, "", State::failed);
  const Text text = finish();
  EXPECT_EQ(std::count(text.out.begin(), text.out.end(), '\n'), 2);
  EXPECT_EQ(text.err, "") << "the failure is in its object";
}

// --- failures --------------------------------------------------------------------------------------------

TEST_F(ConsoleTest, AFailureIsShownOnStderr) {
  start();
  end(4, "partial\n", State::failed);
  const Text text = finish();
  EXPECT_EQ(text.out, "partial\n");
  EXPECT_EQ(text.err, "parrun: task 4 failed on rank 1 (node1): exit code 3\n");
}

TEST_F(ConsoleTest, AnAttemptThatIsMadeAgainIsToldAndNotCounted) {
  start();
  console->on_retried(outcome(4, "partial\n", State::failed), {});
  console->on_end(counts(0, 0, 0, 1), clock.advance(1s));
  const Text text = finish();
  EXPECT_EQ(text.out, "");
  EXPECT_THAT(text.err, HasSubstr("task 4 failed on rank 1 (node1): exit code 3; attempt 2 follows\n"));
  EXPECT_THAT(text.err, Not(HasSubstr("1 failed")));
}

TEST_F(ConsoleTest, AWarningIsShownOnStderrTwentyTimesAtMost) {
  start();
  for (std::uint64_t task = 0; task < 50; ++task) {
    Outcome warned = outcome(task, "");
    warned.warning = "left 1 process behind";
    console->on_outcome(warned, {});
  }
  const std::string err = finish().err;
  EXPECT_THAT(err, HasSubstr("parrun: task 19 on rank 1 (node1): left 1 process behind\n"));
  EXPECT_THAT(err, Not(HasSubstr("task 20")));
}

TEST_F(ConsoleTest, AHaltSaysByWhichRule) {
  start();
  console->on_halt({.when = HaltRule::When::soon, .why = HaltRule::Why::fail, .count = 3});
  EXPECT_EQ(finish().err, "parrun: --halt soon,fail=3 ends the run: nothing more is started\n");
}

TEST_F(ConsoleTest, AfterTwentyFailuresTheOthersAreOnlyCounted) {
  start();
  for (std::uint64_t task = 0; task < 50; ++task) end(task, "", State::failed);
  const std::string err = finish().err;
  EXPECT_THAT(err, HasSubstr("task 19 failed"));
  EXPECT_THAT(err, Not(HasSubstr("task 20 failed")));
  EXPECT_THAT(err, HasSubstr("--format jsonl"));
}

TEST_F(ConsoleTest, QuietShowsResultsOnly) {
  start(Format::raw, Order::completion, false, true);
  end(0, "out\n", State::failed);
  console->on_end(counts(1, 1, 0, 1), clock.advance(1s));
  const Text text = finish();
  EXPECT_EQ(text.out, "out\n");
  EXPECT_EQ(text.err, "");
}

TEST_F(ConsoleTest, WhyNothingWasRunIsOneLine) {
  start(Format::raw, Order::completion, false, true);
  console->on_refused("jobs.bin is empty");
  EXPECT_EQ(finish().err, "parrun: jobs.bin is empty\n");
}

// --- the summary -----------------------------------------------------------------------------------------

TEST_F(ConsoleTest, TheSummaryCountsWhatSucceeded) {
  start();
  for (std::uint64_t task = 0; task < 3; ++task) end(task, "");
  console->on_end(counts(3, 0, 0, 3), clock.advance(2s));
  EXPECT_EQ(finish().err, "parrun: 3 tasks: 3 succeeded; 2.0 s, 2 tasks/s\n");
}

TEST_F(ConsoleTest, TheSummaryOfOneTaskAndOfNoneIsThereToo) {
  start();
  console->on_end(counts(0, 0, 0, 0), clock.advance(1s));
  EXPECT_THAT(finish().err, StartsWith("parrun: 0 tasks: 0 succeeded; "));
}

TEST_F(ConsoleTest, TheSummaryCountsByState) {
  start(Format::jsonl);
  end(0, "");
  end(1, "", State::failed);
  end(2, "", State::failed);
  end(3, "", State::timed_out);
  end(4, "", State::cancelled);
  console->on_end(counts(5, 4, 2, 10), clock.advance(1s));
  EXPECT_THAT(
      finish().err,
      HasSubstr("10 tasks: 1 succeeded, 2 failed, 1 timed_out, 1 cancelled, 2 running, 3 not started"));
}

TEST_F(ConsoleTest, CountsOfZeroAreLeftOutButForWhatSucceeded) {
  start(Format::jsonl);
  end(0, "", State::failed);
  console->on_end(counts(1, 1, 0, 1), clock.advance(1s));
  EXPECT_THAT(finish().err, HasSubstr("1 task: 0 succeeded, 1 failed;"));
}

// --- a limit ---------------------------------------------------------------------------------------------

TEST_F(ConsoleTest, ALimitIsToldWithWhatWasOutstanding) {
  start();
  console->on_limit({Expiry::Kind::stall, {}, "no task ended for 5.0 s (--stall)"},
                    {{7, 2, "node2", std::chrono::duration<double>(3.2)}});
  EXPECT_EQ(finish().err,
            "parrun: no task ended for 5.0 s (--stall)\n"
            "parrun:   task 7 was running on rank 2 (node2) for 3.2 s\n");
}

TEST_F(ConsoleTest, OfManyOutstandingTasksTheFirstAreTold) {
  start();
  std::vector<TimeoutError::Outstanding> outstanding;
  for (std::uint64_t task = 0; task < 30; ++task)
    outstanding.push_back({task, 1, "node1", std::chrono::duration<double>(1)});
  console->on_limit({Expiry::Kind::deadline, {}, "the run reached its deadline"}, outstanding);
  const std::string err = finish().err;
  EXPECT_THAT(err, HasSubstr("task 19 was running"));
  EXPECT_THAT(err, Not(HasSubstr("task 20 was running")));
  EXPECT_THAT(err, HasSubstr("and 10 more"));
}

TEST_F(ConsoleTest, WhatTheLimitEndedIsNotListedAgainAsFailed) {
  start();
  console->on_limit({Expiry::Kind::task, Rank(1), "task 0 reached its limit"}, {});
  end(0, "", State::timed_out);
  console->on_end(counts(1, 1, 0, 1), clock.advance(1s));
  EXPECT_THAT(finish().err, AllOf(Not(HasSubstr("timed_out on")), HasSubstr("1 timed_out")));
}

TEST_F(ConsoleTest, QuietStillTellsALimit) {
  start(Format::raw, Order::completion, false, true);
  console->on_limit({Expiry::Kind::deadline, {}, "the run reached its deadline"}, {});
  console->on_end(counts(1, 0, 1, 3), clock.advance(1s));
  EXPECT_THAT(finish().err, AllOf(HasSubstr("deadline"), HasSubstr("1 running, 1 not started")));
}

// --- progress --------------------------------------------------------------------------------------------

TEST_F(ConsoleTest, ProgressIsALineThatIsRewrittenAFewTimesASecond) {
  start(Format::raw, Order::completion, true);
  clock.advance(2s);
  console->on_turn(counts(4, 1, 2, 10), clock.now());
  console->on_turn(counts(5, 1, 2, 10), clock.advance(1ms));
  console->on_end(counts(10, 1, 0, 10), clock.advance(1s));
  const std::string err = finish().err;
  EXPECT_THAT(err, StartsWith("\r\033[K4/10 done, 1 failed, 2 running, 2 tasks/s, 3.0 s left"));
  EXPECT_THAT(err, Not(HasSubstr("5/10")));
  EXPECT_THAT(err, HasSubstr("\r\033[Kparrun: 10 tasks"));
}

TEST_F(ConsoleTest, WithoutATerminalThereIsNoProgress) {
  start();
  console->on_turn(counts(4, 1, 2, 10), clock.advance(2s));
  EXPECT_EQ(finish().err, "");
}

}  // namespace
