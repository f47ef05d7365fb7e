// The library, by a program on it (programs/pool_program.cpp).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/library_case.hpp"
#include "support/timed_run.hpp"

namespace parrun::test {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr LibraryProgram pool_program{"pool_program"};

JobResult run_case(const std::string& name, int ranks = 3, const std::string& isolation = "process") {
  return pool_program.run(name, ranks, isolation);
}

class PoolTimeout : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {};
INSTANTIATE_TEST_SUITE_P(Modes, PoolTimeout,
                         ::testing::Combine(::testing::Values("map", "ordered", "unordered"),
                                            ::testing::Values("process", "none")),
                         [](const auto& mode) {
                           return std::string(std::get<0>(mode.param)) + "_" + std::get<1>(mode.param);
                         });

TEST_P(PoolTimeout, EndsThreeEndlessTasksOnTwoWorkersAtTheirLimit) {
  const TempDir dir;
  RunOptions options;
  options.program = pool_program.path();
  const auto [mode, isolation] = GetParam();
  const TimedRun run(3, {mode, isolation, dir.file("marks")}, options);
  EXPECT_EQ(run.result.exit_code, 124);
  EXPECT_GE(run.since_first_mark(dir.file("marks")), 3.0);
  EXPECT_LE(run.since_first_mark(dir.file("marks")), 3.5);
  EXPECT_THAT(run.result.err, AllOf(HasSubstr("reached its limit of 3.0 s"), HasSubstr("running: task")));
}

// Several 100,000 results a second; the test says how many.
class Flood : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Of, Flood, ::testing::Values("process", "none"),
                         [](const auto& isolation) { return std::string(isolation.param); });

TEST_P(Flood, ATasksLimitIsKeptToTheMoment) {
  const JobResult result = run_case("flood_timeout", 3, GetParam());
  EXPECT_THAT(result.out, StartsWith("in time, in a flood: task 0 reached its limit of 1.0 s")) << result.err;
}

TEST_P(Flood, ADeadlineIsKeptToTheMoment) {
  const JobResult result = run_case("flood_deadline", 3, GetParam());
  EXPECT_THAT(result.out, StartsWith("in time, in a flood: the run reached its deadline of 1.0 s"))
      << result.err;
}

TEST(Pool, IsUsedAgainAfterATimeoutWithProcesses) {
  const JobResult result = run_case("reuse_after_timeout");
  EXPECT_EQ(result.out, std::string("caught with 2 outstanding\n") + kSquares);
  EXPECT_EQ(result.exit_code, 0);
}

TEST(Pool, OfThreadsSaysWhyItCannotBeUsedAgain) {
  const JobResult result = run_case("reuse_after_timeout", 3, "none");
  EXPECT_EQ(result.out, "caught with 2 outstanding\n");
  EXPECT_THAT(result.err,
              HasSubstr("cannot run anything any more: a task of an earlier call could not be ended"));
  EXPECT_EQ(result.exit_code, 124);
}

TEST(Pool, ACallerThatIdlesDoesNotStopTheClock) {
  const JobResult result = run_case("idle_caller");
  EXPECT_THAT(result.out, HasSubstr("first 1\nat once: task 1 reached its limit of 1.0 s"));
  EXPECT_EQ(result.exit_code, 0);
}

TEST(Pool, ACallersLongPausesAreNoSilenceOfTheRanks) {
  EXPECT_EQ(run_case("long_pauses").out, kSquares);
  EXPECT_EQ(run_case("long_pauses", 0).out, kSquares);
}

TEST(Pool, ALoopLeftEarlyOverAnEndlessRangeLeavesNothingBehind) {
  EXPECT_EQ(run_case("early_break").out, kSquares);
}

TEST(Pool, PullsItsTasksOnlyAsFarAheadAsNeeded) { EXPECT_EQ(run_case("counts_pulled").out, "bounded\n"); }

TEST(Pool, PullsNoFurtherAheadThanItIsAllowed) {
  EXPECT_EQ(run_case("pre_dispatch").out, "100 pulled, at most 4 ahead\n");
}

TEST(Pool, HoldsItsTasksBackWhileResultsAreNotTaken) {
  EXPECT_EQ(run_case("undelivered").out, "held back\n3001\n");
}

TEST(Pool, HoldsLargeResultsBackByTheirSize) {
  EXPECT_EQ(run_case("large_undelivered").out, "401 MB\nbounded\n");
}

TEST(Pool, HoldsResultsBackByAllThatTheyKeepInMemory) {
  EXPECT_EQ(run_case("beside_large_output").out, "120\nbounded\n");
}

TEST(Pool, KeepsNoResultThatWasTaken) { EXPECT_EQ(run_case("releases").out, "500 MB\nbounded\n"); }

// PARRUN_TEST_TASKS=10000000 for a longer one.
TEST(Pool, NeedsNoMemoryForTasksThatAreDone) { EXPECT_EQ(run_case("many", 3, "none").out, "all\nbounded\n"); }

TEST(Pool, ADeadlineHoldsForACallerWhoTakesHisTimeAndWhatHadComeIsGivenFirst) {
  EXPECT_THAT(run_case("slow_taker").out,
              AllOf(StartsWith("200 taken; the run reached its deadline of 1.0 s; running: task 200 on rank"),
                    ContainsRegex(" for [01]\\.[0-9] s")));
}

TEST(Pool, DoesNotStallByItsCallersOwnTime) {
  EXPECT_EQ(run_case("stall_of_slow_taker").out, "12 taken\n");
  EXPECT_EQ(run_case("stall_of_slow_asker").out, "3 taken\n");
  EXPECT_EQ(run_case("stall_of_slow_range").out, "3 taken\n");
}

TEST(Pool, TakesALimitOfSilenceThatCannotBeForTheShortest) {
  RunOptions options;
  options.program = pool_program.path();
  options.env = {{"PARRUN_TEST_LOST_AFTER_MS", "-60000"}};
  EXPECT_EQ(run_parrun(3, {"squares", "process"}, options).out, kSquares);
}

TEST(Pool, ADeadlineNamesNoTaskThatHadEndedBeforeItsCallerCame) {
  EXPECT_EQ(run_case("late_taker", 6).out, "4 taken, out: 4\n");
}

TEST(Pool, ADeadlineThatFindsAllTasksEndedIsNone) {
  EXPECT_EQ(run_case("late_taker_of_all", 6).out, "4 taken\n");
}

TEST(Pool, MapsTasksThatReturnNothing) { EXPECT_EQ(run_case("void_results").out, "3\n"); }

TEST(Pool, ATasksErrorNamesTypeTaskAndRank) {
  const JobResult result = run_case("task_error");
  EXPECT_THAT(result.out, HasSubstr("std::domain_error | task 2 | task 2 on rank "));
  EXPECT_THAT(result.out, HasSubstr("odd: 7\n2 failed\n1\n4\n9\n"));
}

TEST(Pool, GivesResultsInEitherOrder) { EXPECT_EQ(run_case("order", 4).out, "400 1 200 1 2 0 \n"); }

TEST(Pool, RefusesASecondCallWhileARangeIsInUse) {
  EXPECT_THAT(run_case("nested").out, HasSubstr("this pool is in use"));
}

TEST(Pool, IsOfAMainThatIsCalledOnce) {
  const std::string refused =
      "parrun::main() can be called once in a process, for it starts MPI and ends it\n";
  const JobResult result = run_case("twice_main", 0);
  EXPECT_EQ(result.out, refused + kSquares + refused);
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST(Pool, FunctionObjectsCarryTheirState) { EXPECT_EQ(run_case("functors").out, "11\n22\n"); }

class PoolSize : public ::testing::TestWithParam<std::tuple<int, const char*>> {};
INSTANTIATE_TEST_SUITE_P(RanksAndIsolation, PoolSize,
                         ::testing::Combine(::testing::Values(0, 2, 4),
                                            ::testing::Values("process", "none")));
TEST_P(PoolSize, GivesTheSameResults) {
  const auto [ranks, isolation] = GetParam();
  EXPECT_EQ(run_case("squares", ranks, isolation).out, kSquares);
}

}  // namespace
}  // namespace parrun::test
