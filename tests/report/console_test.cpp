#include "report/console.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>

#include "support/batches.hpp"
#include "support/manual_clock.hpp"
#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"

namespace {

using namespace std::chrono_literals;
using namespace parrun;
using parrun::test::command;
using parrun::test::input_error;
using parrun::test::ManualClock;
using parrun::test::read_bytes;
using parrun::test::TempDir;
using parrun::test::wait_until;
using parrun::test::write_batch;
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
  Console& start(Format format = Format::raw, bool progress = false, bool quiet = false) {
    Console::Options options;
    options.format = format;
    options.progress = progress;
    options.quiet = quiet;
    console = std::make_unique<Console>(options, clock.now());
    return *console;
  }
  void start_on_terminal() {
    Console::Options options;
    options.progress = true;
    options.beside_progress = true;
    console = std::make_unique<Console>(options, clock.now());
  }
  void end(std::uint64_t task, const std::string& out, State state = State::succeeded) {
    tell(outcome(task, out, state));
  }
  void tell(const Outcome& outcome) const {
    console->on_ended(outcome, "");
    console->on_result(outcome, "");
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

TEST_F(ConsoleTest, ACommandsStderrGoesToStderr) {
  start();
  Outcome one = outcome(0, "out\n");
  one.stderr_text = "err\n";
  tell(one);
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

// Failures.

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
    tell(warned);
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
  start(Format::raw, false, true);
  end(0, "out\n", State::failed);
  console->on_end(counts(1, 1, 0, 1), clock.advance(1s));
  const Text text = finish();
  EXPECT_EQ(text.out, "out\n");
  EXPECT_EQ(text.err, "");
}

TEST_F(ConsoleTest, WhyNothingWasRunIsOneLine) {
  start(Format::raw, false, true);
  console->on_error("jobs.bin is empty");
  EXPECT_EQ(finish().err, "parrun: jobs.bin is empty\n");
}

// The summary.

TEST_F(ConsoleTest, TheSummaryCountsWhatSucceeded) {
  start();
  for (std::uint64_t task = 0; task < 3; ++task) end(task, "");
  console->on_end(counts(3, 0, 0, 3), clock.advance(2s));
  EXPECT_EQ(finish().err, "parrun: 3 tasks: 3 succeeded; 2.0 s, 1.5 tasks/s\n");
}

TEST_F(ConsoleTest, TheRateIsOfTasksThatCameToAnEndOfTheirOwn) {
  start();
  end(0, "");
  for (std::uint64_t task = 1; task < 4; ++task) end(task, "", State::cancelled);
  console->on_end(counts(4, 3, 0, 4), clock.advance(2s));
  EXPECT_THAT(finish().err, HasSubstr("4 tasks: 1 succeeded, 3 cancelled; 2.0 s, 0.5 tasks/s\n"));
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

// A limit.

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
  start(Format::raw, false, true);
  console->on_limit({Expiry::Kind::deadline, {}, "the run reached its deadline"}, {});
  console->on_end(counts(1, 0, 1, 3), clock.advance(1s));
  EXPECT_THAT(finish().err, AllOf(HasSubstr("deadline"), HasSubstr("1 running, 1 not started")));
}

// A signal, and the way on.

// A batch of five commands, and a run that has begun on it.
class StartedConsole : public ConsoleTest {
 protected:
  StartedConsole() {
    write_batch(dir.file("jobs.bin"), {command("echo 0"), command("echo 1"), command("echo 2\necho"),
                                       command("echo 3"), command("echo 4")});
    batch = std::make_unique<BatchFile>(dir.file("jobs.bin"));
  }
  void begin(const std::string& record, const StateCounts& settled = {}, const std::string& joblog = "") {
    options.resume_command = "parrun --resume jobs.bin";
    options.joblog = joblog;
    options.work_text = [](const TaskSpec& spec) { return std::get<ShellCommand>(spec.work).line; };
    console = std::make_unique<Console>(options, clock.now());
    console->on_start({.batch = *batch, .record = record, .settled = settled});
  }

  TempDir dir;
  Console::Options options;
  std::unique_ptr<BatchFile> batch;
};

TEST_F(StartedConsole, ASignalIsToldWithWhatStandsWhereAndHowToGoOn) {
  begin("jobs.record");
  end(0, "");
  console->on_signal(SIGTERM, 10s, counts(1, 0, 1, 5), {{7, 2, "node2", std::chrono::duration<double>(3.2)}});
  EXPECT_EQ(
      finish().err,
      "parrun: SIGTERM ends the run: nothing more is started, what runs has 10 s (--grace), a second signal "
      "ends it at once\n"
      "parrun:   task 7 is running on rank 2 (node2) for 3.2 s\n"
      "parrun: 5 tasks: 1 succeeded, 1 running, 3 not started\n"
      "parrun: go on with: parrun --resume jobs.bin\n");
}

TEST_F(ConsoleTest, UnderMpirunTheGraceMayBeShorter) {
  Console::Options options;
  options.by_mpirun = true;
  console = std::make_unique<Console>(options, clock.now());
  console->on_signal(SIGTERM, 10s, counts(1, 0, 1, 5), {});
  console->on_signal(SIGTERM, 1s, counts(1, 0, 1, 5), {});
  console->on_signal(SIGUSR1, 10s, counts(1, 0, 1, 5), {});
  EXPECT_THAT(finish().err, AllOf(HasSubstr("10 s (--grace; 2 s where mpirun was told to end), a second"),
                                  HasSubstr("1.0 s (--grace), a"), HasSubstr("10 s (--grace), a")));
}

TEST_F(StartedConsole, OfFailuresAndWarningsBeyondTwentyTheRecordTells) {
  begin("jobs.record");
  for (std::uint64_t task = 0; task < 25; ++task) {
    Outcome failed = outcome(task, "", State::failed);
    failed.task = TaskId(task % 5);
    failed.warning = "left 1 process behind";
    tell(failed);
  }
  EXPECT_THAT(finish().err,
              AllOf(HasSubstr("parrun results jobs.record --state failed,timed_out,lost,cancelled shows all"),
                    HasSubstr("parrun results jobs.record --columns task,warning shows all")));
}

TEST_F(StartedConsole, TheWayOnIsToldWhereSomethingIsLeft) {
  begin("jobs.record");
  end(0, "");
  console->on_end(counts(1, 0, 0, 5), clock.advance(1s));
  EXPECT_THAT(finish().err, HasSubstr("go on with: parrun --resume jobs.bin\n"));
}

TEST_F(StartedConsole, TheWayOnIsByMpirunWhereTheRunWas) {
  options.by_mpirun = true;
  begin("jobs.record");
  console->on_end(counts(1, 0, 0, 5), clock.advance(1s));
  EXPECT_THAT(finish().err, HasSubstr("go on with: mpirun ... parrun --resume jobs.bin\n"));
}

TEST_F(StartedConsole, TheWayOnIsToldWhereTasksWereCancelled) {
  begin("jobs.record");
  end(0, "", State::cancelled);
  console->on_end(counts(1, 1, 0, 1), clock.advance(1s));
  EXPECT_THAT(finish().err, HasSubstr("go on with: "));
}

TEST_F(StartedConsole, TheWayOnIsNotToldWhereNothingIsLeft) {
  begin("jobs.record");
  end(0, "", State::failed);
  console->on_end(counts(1, 1, 0, 1), clock.advance(1s));
  EXPECT_THAT(finish().err, Not(HasSubstr("go on with")));
}

TEST_F(StartedConsole, WithoutARecordThereIsNoWayOn) {
  begin("");
  console->on_end(counts(0, 0, 0, 5), clock.advance(1s));
  EXPECT_THAT(finish().err, Not(HasSubstr("go on with")));
}

TEST_F(StartedConsole, TheSummaryCountsWhatEarlierRunsDidButTheRateDoesNot) {
  begin("jobs.record", {3, 1, 0, 0, 0});
  end(4, "");
  Dispatcher::Counts all = counts(5, 0, 0, 5);
  all.settled = 4;
  console->on_end(all, clock.advance(1s));
  EXPECT_EQ(finish().err,
            "parrun: 5 tasks: 4 succeeded, 1 failed (4 of them by an earlier run); 1.0 s, 1 tasks/s\n");
}

TEST_F(StartedConsole, NothingToDoIsSaidWithHowTheTasksEnded) {
  begin("jobs.record", {4, 1, 0, 0, 0});
  console->on_nothing_to_do();
  EXPECT_EQ(finish().err,
            "parrun: nothing to do: jobs.record has the outcomes of all 5 tasks: 4 succeeded, 1 failed; "
            "parrun results "
            "shows them, --replay too; --resume-failed runs what did not succeed again\n");
}

TEST_F(StartedConsole, TheJoblogHasALineForEachTask) {
  begin("", {}, dir.file("log"));
  end(2, "");
  end(0, "", State::failed);
  finish();
  const std::string log = read_bytes(dir.file("log"));
  EXPECT_THAT(log, StartsWith("Seq\tHost\t"));
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 3);
  EXPECT_THAT(log, HasSubstr("\n3\tnode1\t"));
  EXPECT_THAT(log, HasSubstr("echo 0\n"));
}

TEST_F(StartedConsole, AJoblogThatCannotBeOpenedIsRefusedBeforeTheRun) {
  options.joblog = dir.file("none/log");
  console = std::make_unique<Console>(options, clock.now());
  EXPECT_THAT(input_error([&] { console->check(); }), HasSubstr("--joblog"));
}

// Progress.

TEST_F(ConsoleTest, ProgressIsALineThatIsRewrittenAFewTimesASecond) {
  start(Format::raw, true);
  clock.advance(2s);
  console->on_turn(counts(4, 1, 2, 10), clock.now());
  console->on_turn(counts(5, 1, 2, 10), clock.advance(1ms));
  console->on_end(counts(10, 1, 0, 10), clock.advance(1s));
  const std::string err = finish().err;
  EXPECT_THAT(err, StartsWith("\r\033[K4/10 done, 1 failed, 2 running, 2 tasks/s, 3.0 s left"));
  EXPECT_THAT(err, Not(HasSubstr("5/10")));
  EXPECT_THAT(err, HasSubstr("\r\033[Kparrun: 10 tasks"));
}

TEST_F(ConsoleTest, OnATerminalAResultTakesTheLineOfTheProgress) {
  start_on_terminal();
  end(0, "zero\n");
  console->on_turn(counts(1, 0, 1, 10), clock.advance(1s));
  end(1, "");
  end(2, "two");
  end(3, "three\n");
  console->on_turn(counts(4, 0, 1, 10), clock.advance(1s));
  end(4, "four\n");
  EXPECT_EQ(finish().out, "zero\n\r\033[Ktwothree\n\r\033[Kfour\n") << "and no output's open line";
}

TEST_F(ConsoleTest, ATasksStderrTakesTheLineOfTheProgressToo) {
  start_on_terminal();
  console->on_turn(counts(1, 0, 1, 10), clock.advance(1s));
  Outcome one = outcome(0, "");
  one.stderr_text = "err\n";
  tell(one);
  tell(one);
  EXPECT_THAT(finish().err, ::testing::EndsWith(" left\r\033[Kerr\nerr\n"));
}

TEST_F(ConsoleTest, AResultThatGoesElsewhereIsLeftAsItIs) {
  start(Format::raw, true);
  console->on_turn(counts(1, 0, 1, 10), clock.advance(1s));
  end(1, "one\n");
  EXPECT_EQ(finish().out, "one\n");
}

TEST_F(ConsoleTest, WithoutATerminalThereIsNoProgress) {
  start();
  console->on_turn(counts(4, 1, 2, 10), clock.advance(2s));
  EXPECT_EQ(finish().err, "");
}

}  // namespace
