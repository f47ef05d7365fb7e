// --halt: runs that end early because enough tasks failed, succeeded or were done.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "support/harm.hpp"

namespace parrun::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Task 0 takes long, and every other one fails after a moment: whichever worker has task 0, another meets the
// first failure, and may have begun one more task before it hears of the halt.
Outcomes run_beside_failures(const std::string& long_command, const std::string& rule) {
  Batch batch;
  batch.command(long_command);
  for (int i = 0; i < 10; ++i) batch.command("sleep 0.3; exit 5");
  Outcomes run = run_jsonl(batch, 3, {"--halt", rule});
  EXPECT_EQ(run.result.exit_code, 1);
  EXPECT_GE(count_state(run, "failed"), 1);
  EXPECT_LE(run.by_task.size(), 3U) << run.result.out;
  EXPECT_THAT(run.result.err, HasSubstr("--halt " + rule));
  return run;
}

TEST(Halt, NowEndsWhatRunsAndStartsNoMore) {
  const Outcomes run = run_beside_failures("sleep 1000 & sleep 1000", "now,fail=1");
  EXPECT_LE(run.result.seconds, 10);
  EXPECT_EQ(state_of(run, 0), "cancelled");
  EXPECT_EQ(error_of(run, 0), "the run was stopped");
  EXPECT_EQ(count_state(run, "failed"), 1) << run.result.out;
}

TEST(Halt, NowSaysAtTheEndThatNothingRuns) {
  Batch batch;
  batch.command("exit 0");
  for (int i = 0; i < 4; ++i) batch.command("sleep 20");
  const Outcomes run = run_jsonl(batch, 4, {"--halt", "now,done=1"});
  EXPECT_EQ(run.result.exit_code, 0);
  EXPECT_THAT(run.result.err, AllOf(HasSubstr("5 tasks: 1 succeeded"), Not(HasSubstr("running"))));
}

TEST(Halt, SoonLetsWhatRunsEndAndStartsNoMore) {
  const Outcomes run = run_beside_failures("sleep 1.5; echo ended", "soon,fail=1");
  EXPECT_EQ(state_of(run, 0), "succeeded");
  EXPECT_EQ(stdout_of(run, 0), "ended\n");
  EXPECT_EQ(count_state(run, "cancelled"), 0);
  EXPECT_THAT(run.result.err, HasSubstr("not started"));
}

TEST(Halt, NowWaitsForTheLastAttemptOfATaskThatIsTriedAgain) {
  Batch batch;
  batch.command("sleep 1000").command("[ $PARRUN_ATTEMPT = 2 ]").command("sleep 0.5; exit 1");
  const Outcomes run = run_jsonl(batch, 4, {"--halt", "now,fail=1", "--retries", "1"});
  EXPECT_EQ(run.result.exit_code, 1);
  EXPECT_EQ(state_of(run, 1), "succeeded");
  EXPECT_EQ(state_of(run, 2), "failed");
  EXPECT_EQ(run.by_task.at(2)["attempt"], 2);
  EXPECT_EQ(state_of(run, 0), "cancelled");
}

Outcomes run_with_failures(int failures, const std::string& rule) {
  Batch batch;
  for (int i = 0; i < 40; ++i) batch.command(i < failures ? "exit 1" : "sleep 0.03");
  return run_jsonl(batch, 3, {"--halt", rule});
}

TEST(Halt, AtAShareOfTheTasksEndsTheRunWhenThatManyHaveFailed) {
  const Outcomes below = run_with_failures(3, "soon,fail=10%");
  EXPECT_EQ(below.result.exit_code, 1);
  EXPECT_EQ(below.by_task.size(), 40U);
  const Outcomes reached = run_with_failures(4, "soon,fail=10%");
  EXPECT_EQ(reached.result.exit_code, 1);
  EXPECT_EQ(count_state(reached, "failed"), 4);
  EXPECT_LT(reached.by_task.size(), 30U);
}

TEST(Halt, AtSuccessesEndsWellWhateverFailedBefore) {
  Batch batch;
  batch.command("sleep 1000").command("exit 1").command("exit 1");
  for (int i = 0; i < 10; ++i) batch.command("sleep 0.2");
  const Outcomes run = run_jsonl(batch, 3, {"--halt", "now,success=3"});
  EXPECT_EQ(run.result.exit_code, 0);
  EXPECT_EQ(count_state(run, "succeeded"), 3) << run.result.out;
  EXPECT_GE(count_state(run, "failed"), 1);
  EXPECT_EQ(state_of(run, 0), "cancelled");
}

TEST(Halt, NeverLetsTheRunGoOn) {
  const Outcomes run = run_with_failures(20, "never");
  EXPECT_EQ(run.result.exit_code, 1);
  EXPECT_EQ(run.by_task.size(), 40U);
}

TEST(Halt, RuleThatIsMalformedIsRefusedInOneLine) {
  const TempDir dir;
  const std::string path = Batch().command("echo must not run").pack(dir);
  for (const std::string rule :
       {"now", "later,fail=1", "now,fail", "now,fail=0", "soon,fail=101%", "now,fail=x", ""}) {
    const JobResult result = run_parrun(0, {"--halt=" + rule, path});
    EXPECT_EQ(result.exit_code, 2) << rule;
    EXPECT_EQ(result.out, "");
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_THAT(result.err, HasSubstr("--halt"));
  }
  const JobResult result = run_parrun(3, {"--halt", "now,fail", path});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  std::istringstream lines(result.err);
  int ours = 0;
  for (std::string line; std::getline(lines, line);) ours += line.starts_with("parrun: ") ? 1 : 0;
  EXPECT_EQ(ours, 1) << result.err;
}

}  // namespace
}  // namespace parrun::test
