// Tasks' errors as callers of the library meet them (programs/errors_program.cpp).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/library_case.hpp"

namespace parrun::test {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr LibraryProgram errors{"errors_program"};

class LibraryErrors : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(In, LibraryErrors, ::testing::Values("process", "none"),
                         [](const auto& isolation) { return std::string(isolation.param); });

TEST_P(LibraryErrors, OfRegisteredTypesComeBackAsWhatTheyWere) {
  EXPECT_EQ(errors.run("types", 3, GetParam()).out,
            "NotConverged 42 0.5\n"
            "domain_error below zero:\n -1\n"
            "nested task 1 attempt 1\n"
            "TaskError WorseDomain task 1 state failed\n"
            "TaskError std::range_error task 1 state failed\n"
            "TaskError int task 1 state failed\n"
            "TaskError CannotBeLoaded task 1 state failed\n");
}

TEST_P(LibraryErrors, EndMapAtTheFirstAndNothingIsStartedAfterIt) {
  EXPECT_EQ(errors.run("map_fails_fast", 3, GetParam()).out, std::string("failed: task 3 after attempt 1\n") +
                                                                 kSquares + kSquares +
                                                                 "stopped\nnothing of it left\n");
}

TEST_P(LibraryErrors, EndOrderedAtTheFirstAndNothingIsStartedAfterIt) {
  EXPECT_EQ(errors.run("ordered_fails_fast", 3, GetParam()).out,
            std::string("failed: task 3 after attempt 1\n") + kSquares + kSquares +
                "stopped\nnothing of it left\n");
}

TEST_P(LibraryErrors, ThatAreKeptLetAllTasksRun) {
  EXPECT_EQ(errors.run("keep", 3, GetParam()).out,
            "failed: task 10 after attempt 1\n50 ran\nkept 10\nkept 30\n");
}

TEST(LibraryErrorsInProcesses, ThrowNothingAwayThatWasReady) {
  EXPECT_EQ(errors.run("ready_before_error", 4).out,
            std::string("1: 25\nfailed: task 2 after attempt 1\n") + kSquares);
}

TEST(LibraryErrorsInProcesses, AreRetriedAsOftenAsAsked) {
  EXPECT_EQ(errors.run("retries").out, "3\nfailed: task 0 after attempt 2\n");
}

TEST(LibraryErrorsInProcesses, ATaskAtItsLimitMayEndAlone) {
  EXPECT_EQ(errors.run("kill_at_timeout").out, "succeeded\ntimed_out\nsucceeded\n");
}

TEST(LibraryErrorsOnThreads, ToKillATaskAtItsLimitIsRefused) {
  const JobResult result = errors.run("kill_at_timeout", 3, "none");
  EXPECT_THAT(result.err, HasSubstr("OnTimeout::kill needs process isolation"));
  EXPECT_EQ(result.exit_code, 1);
}

TEST(LibraryCallLeft, KillsWhatRuns) {
  EXPECT_EQ(errors.run("leave_by_killing").out, std::string("4\n") + kSquares + "0 finished\n");
}

TEST(LibraryCallLeft, OrWaitsForItAndStartsNothingMore) {
  for (const char* isolation : {"process", "none"}) {
    const JobResult result = errors.run("leave_by_waiting", 3, isolation);
    EXPECT_THAT(result.out, StartsWith(std::string("4\n") + kSquares));
    EXPECT_THAT(result.out, ::testing::AnyOf(HasSubstr("\n1 finished"), HasSubstr("\n2 finished")));
  }
}

TEST_P(LibraryErrors, OfTheRangeOfTasksComeAfterTheResultsOfThoseBeforeIt) {
  EXPECT_EQ(errors.run("throwing_range", 3, GetParam()).out,
            std::string("0 1 4 9 16 the range threw\n") + kSquares);
}

TEST(LibraryBody, ThatCatchesAnErrorOfItsCallHasAllTheTimeForIt) {
  const JobResult result = errors.run("pause_behind_an_error", 3);
  EXPECT_THAT(result.out, AllOf(HasSubstr("the executors' parent process is gone"), EndsWith("goes on\n")))
      << result.err;
}

TEST(LibraryBody, ThatThrowsLinesIsToldInOne) {
  const JobResult result = errors.run("throws_lines", 0);
  EXPECT_EQ(result.err, "parrun: one\\ntwo\n");
  EXPECT_EQ(result.exit_code, 1);
}

TEST(LibraryBody, ThatIsNoneIsToldSo) {
  const JobResult result = errors.run("empty_body", 0);
  EXPECT_THAT(result.err, StartsWith("parrun: parrun::main() was given an empty function"));
  EXPECT_EQ(result.exit_code, 1);
}

}  // namespace
}  // namespace parrun::test
