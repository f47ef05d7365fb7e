// Pools on the ranks of a code that owns MPI (programs/lent_ranks_program.cpp).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/library_case.hpp"

namespace parrun::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr LibraryProgram code{"lent_ranks_program"};

class LentRanks : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(In, LentRanks, ::testing::Values("process", "none"),
                         [](const auto& isolation) { return std::string(isolation.param); });

TEST_P(LentRanks, ServePoolsOneAfterAnotherAndTheCodesOwnMessagesStayItsOwn) {
  EXPECT_EQ(code.run("own_messages", 3, GetParam()).out,
            std::string(kSquares) + kSquares + kSquares + "received 12\nsum 3\n");
}

TEST_P(LentRanks, OfOneRankAreDebuggedWithoutMpirun) {
  for (const int ranks : {0, 1}) {
    EXPECT_EQ(code.run("local_workers", ranks, GetParam()).out,
              std::string("3\n3\n3\n3 workers\n") + kSquares);
  }
}

TEST_P(LentRanks, AreAskedForOnTheRightSide) {
  const std::string out = code.run("wrong_side", 2, GetParam()).out;
  EXPECT_THAT(out, AllOf(HasSubstr("rank 0 makes a parrun::Pool; the other ranks serve()"),
                         HasSubstr("a Pool is made on rank 0; the other ranks call parrun::serve()")));
}

TEST_P(LentRanks, FindNothingUnderAHandleOfAnEarlierPool) {
  const std::string out = code.run("handle_of_an_earlier_pool", 3, GetParam()).out;
  EXPECT_THAT(out, AllOf(StartsWith("4\n"), HasSubstr("shared value 1 is not there: it was released")));
}

TEST_P(LentRanks, MayBeTakenBackBeforeARangeThatHasEnded) {
  const JobResult result = code.run("ended_range_outlives", 3, GetParam());
  EXPECT_EQ(result.out, std::string("14\n") + kSquares);
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST_P(LentRanks, MayBeSilentForEver) { EXPECT_EQ(code.run("patient", 3, GetParam()).out, kSquares); }

TEST_P(LentRanks, MayBeSilentForTheShortestTimeAtLeast) {
  EXPECT_EQ(code.run("impatient", 3, GetParam()).out, kSquares);
}

TEST_P(LentRanks, RefusePoolsInsideTasks) {
  EXPECT_THAT(code.run("nested", 2, GetParam()).out,
              AllOf(AnyOf(HasSubstr("in a task there is none"), HasSubstr("tasks cannot have one")),
                    HasSubstr(kSquares)));
}

TEST(LentRanksInProcesses, ServeDisjointCommunicatorsAtOnceAndALimitInOneIsNoneInTheOther) {
  EXPECT_EQ(code.run("two_at_once", 5).out, "1028\n");
}

TEST(LentRanksInProcesses, NeedAnEnvironment) {
  EXPECT_THAT(
      code.run("no_environment").out,
      AllOf(StartsWith("rank 1 ("), HasSubstr("make a parrun::Environment before MPI_Init on every rank"),
            HasSubstr("or ask for Isolation::none")));
}

TEST(LentRanksOnThreads, NeedNoEnvironment) {
  EXPECT_EQ(code.run("no_environment", 3, "none").out, std::string(kSquares) + "nothing thrown\n");
}

TEST(LentRanksInProcesses, ComeWithAnEnvironmentThatIsMadeBeforeMpi) {
  EXPECT_THAT(code.run("late_environment", 1).out, HasSubstr("comes too late: make it before MPI_Init"));
}

TEST(LentRanksInProcesses, NeedMpiThatKnowsOfThreads) {
  EXPECT_THAT(code.run("single_thread", 1).out, HasSubstr("a pool needs MPI_THREAD_FUNNELED"));
}

TEST(LentRanksInProcesses, NeedACommunicator) {
  const std::string refused = "a pool needs a communicator, and MPI_COMM_NULL is none\n";
  EXPECT_EQ(code.run("null_communicator", 1).out, refused + refused);
}

TEST(LentRanksInProcesses, NeedMpiThatIsNotOver) {
  EXPECT_EQ(code.run("behind_mpi", 1).out,
            "a pool needs MPI, which is finalised here\na pool needs MPI, which is finalised here\n"
            "parrun::main() can be called once in a process, for it starts MPI and ends it\n");
}

TEST(LentRanksInProcesses, ServeOnePoolAtATime) {
  EXPECT_THAT(code.run("two_pools_of_one_rank", 1).out, HasSubstr("this rank is in another pool"));
}

TEST(LentRanksInProcesses, MayEndByExitAndTheOthersGoOn) {
  const JobResult result = code.run("ends_by_exit", 2);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, std::string(kSquares) + "worked on\n");
}

TEST(LentRanksInProcesses, HaveNoMpiInTasksAndSaySo) {
  EXPECT_THAT(code.run("mpi_in_task", 2).out, AllOf(HasSubstr("MPI"), HasSubstr(kSquares)));
}

TEST(LentRanksOnThreads, ThatAreStuckInATaskEndWithThePool) {
  const JobResult result = code.run("stuck", 2, "none");
  EXPECT_THAT(result.out, AllOf(HasSubstr("reached its limit"), Not(HasSubstr("went on"))));
  EXPECT_THAT(result.err, HasSubstr("the job is ended: a task of an earlier call could not be ended"));
  EXPECT_EQ(result.exit_code, 124);
}

TEST(LentRanksInProcesses, ThatDoNotComeAreNotWaitedForWithoutEnd) {
  const JobResult result = code.run("missing_rank");
  EXPECT_THAT(result.out, HasSubstr("not all ranks have come: each but rank 0 is to call parrun::serve()"));
  EXPECT_EQ(result.exit_code, 5);
}

}  // namespace
}  // namespace parrun::test
