// Futures, by a program on the library (programs/futures_program.cpp).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/library_case.hpp"

namespace parrun::test {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr LibraryProgram futures{"futures_program"};

class Futures : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(In, Futures, ::testing::Values("process", "none"),
                         [](const auto& isolation) { return std::string(isolation.param); });

TEST_P(Futures, GiveTheirResultsInAnyOrderAndAgain) {
  EXPECT_EQ(futures.run("any_order", 3, GetParam()).out,
            std::string("0 wrong, again 49, index 7\n00600\n") + kSquares + "2002\n");
}

TEST_P(Futures, LetAResultDecideWhatComesNext) {
  EXPECT_EQ(futures.run("bisects", 3, GetParam()).out, "300\n");
}

TEST_P(Futures, ComeAsTheyComplete) {
  EXPECT_EQ(futures.run("completed", 4, GetParam()).out, "1 450 900 \n3000\n");
}

TEST_P(Futures, EndBeforeAnotherCallBeginsAndAreRefusedWhileOneIsInUse) {
  const JobResult result = futures.run("other_calls", 3, GetParam());
  EXPECT_EQ(result.out, std::string(kSquares) +
                            "1 TimeoutError with 1 outstanding\n"
                            "this pool is in use: take or destroy the range of results first\n");
  EXPECT_EQ(result.exit_code, 0);
}

TEST_P(Futures, AreForTheThreadOfTheirPoolAlone) {
  constexpr const char* kRefused = "a pool is for the one thread that made it; tasks cannot use the pool\n";
  std::string refused;
  for (int i = 0; i < 5; ++i) refused += kRefused;
  EXPECT_EQ(futures.run("other_thread", 3, GetParam()).out,
            refused + "300\n" + kRefused + "300\n" + kSquares);
}

TEST_P(Futures, ThatAreDroppedLeaveTheirTasksToRun) {
  EXPECT_EQ(futures.run("dropped", 2, GetParam()).out, "36\nthis future belongs to no task\n");
}

TEST(FuturesOfProcesses, HaveErrorsAndLimitsOfTheirOwn) {
  EXPECT_EQ(futures.run("errors").out,
            "4\nTaskError of task 0, failed\nTaskError of task 1, timed_out\nfailed 25\n");
}

TEST(FuturesOfProcesses, CancelWhatRunsAndWhatWaits) {
  EXPECT_EQ(futures.run("cancels").out,
            std::string("111\nTaskError of task 5, cancelled\nTaskError of task 0, cancelled\n0 16 81 0\n"
                        "2 started\n") +
                kSquares);
}

TEST(FuturesOfProcesses, AreCancelledInOrderFasterThanTheyAreGivenOut) {
  const JobResult result = futures.run("cancels_in_order");
  EXPECT_EQ(result.out, std::string("most cancelled\n") + kSquares) << result.err;
}

TEST(FuturesOfProcesses, AreCancelledWithTheirPool) {
  const JobResult result = futures.run("outlives");
  EXPECT_THAT(result.out, EndsWith("TaskError of task 0, cancelled\n"));
  EXPECT_EQ(result.exit_code, 0);
}

TEST(FuturesOfThreads, CannotBeCancelledWhileTheyRun) {
  EXPECT_EQ(futures.run("cancel_on_thread", 2, "none").out, "0\n1\nnothing thrown\n");
}

TEST(FuturesOfThreads, CannotBeHadByATask) {
  EXPECT_EQ(futures.run("used_by_a_task", 0, "none").out,
            std::string(
                "std::logic_error: a pool is for the one thread that made it; tasks cannot use the pool\n") +
                kSquares);
}

TEST(FuturesOfThreads, EndTogetherAtALimitAndTheJobWithThem) {
  const JobResult result = futures.run("limit_on_thread", 3, "none");
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("TimeoutError with 2 outstanding\nTimeoutError with 2 outstanding\n"),
                    HasSubstr("this pool cannot run anything any more")));
  EXPECT_EQ(result.exit_code, 124);
}

}  // namespace
}  // namespace parrun::test
