// Shared values, by programs on the library (programs/share_program.cpp, share_faults_program.cpp).

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

#include "support/library_case.hpp"
#include "support/sanitizers.hpp"

namespace parrun::test {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

JobResult run_share_case(const std::string& name, int ranks = 4, const std::string& isolation = "process") {
  return LibraryProgram{"share_program"}.run(name, ranks, isolation);
}

class Share : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Isolation, Share, ::testing::Values("process", "none"),
                         [](const auto& isolation) { return std::string(isolation.param); });

TEST_P(Share, ThreeWorkersReadOneCopyOf200MBInExecutorsThatWereThereBefore) {
  EXPECT_EQ(run_share_case("one_copy", 4, GetParam()).out, "the same executors\n1 copy\n200 MB\n");
}

TEST_P(Share, IsFreedEverywhereWithItsLastHandle) {
  EXPECT_EQ(run_share_case("release", 4, GetParam()).out, "held\nfreed\n");
}

TEST_P(Share, TwoValuesAreApartAndOneMayGoBeforeTheOther) {
  EXPECT_EQ(run_share_case("twice", 3, GetParam()).out, "10\n20\n20\n");
}

TEST_P(Share, IsKeptByTheTasksThatWereMadeWithIt) {
  EXPECT_EQ(run_share_case("kept_by_tasks", 3, GetParam()).out, "10\n20\n30\n40\n");
}

TEST_P(Share, AHandleThatComesBackFromATaskLeadsToItAsLongAsItIsShared) {
  EXPECT_EQ(run_share_case("handed_on", 3, GetParam()).out,
            "10\nstd::runtime_error: shared value 1 is not there: it was released before this task began\n");
}

TEST_P(Share, WorksWhileACallIsUnderWay) {
  EXPECT_EQ(run_share_case("while_in_use", 3, GetParam()).out, "10\n20\n30\nall\n");
}

TEST_P(Share, TakesArraysStringsAndSingleValuesAlsoEmptyOnes) {
  EXPECT_EQ(run_share_case("kinds", 3, GetParam()).out, "3 1.5 4\n9\n0\n1\ndesserts\n");
}

TEST_P(Share, WorksOnALoneRank) {
  EXPECT_EQ(run_share_case("one_copy", 0, GetParam()).out, "the same executors\n1 copy\n200 MB\n");
  EXPECT_EQ(run_share_case("release", 0, GetParam()).out, "held\nfreed\n");
}

TEST(Shared, CostsATaskAFewBytes) { EXPECT_EQ(run_share_case("carries").out, "less than 50 bytes\n"); }

// What goes wrong.

std::string faults(const std::string& name, int ranks = 3) {
  const JobResult result = LibraryProgram{"share_faults_program"}.run(name, ranks);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result.out;
}

TEST(ShareFaults, ATaskThatWritesToItDiesAlone) {
  EXPECT_THAT(faults("written_to"), AllOf(HasSubstr("SIGSEGV"), EndsWith("\n10\n")));
}

TEST(ShareFaults, AnExecutorThatIsKilledWhileItReadsHarmsNoOther) {
  EXPECT_THAT(faults("reader_killed"), AllOf(HasSubstr("SIGKILL"), EndsWith("\n10\n")));
}

TEST(ShareFaults, AfterALimitItIsStillThereAndAnotherCanBeShared) {
  EXPECT_EQ(faults("after_timeout"), "a limit\n10\n10\n");
}

TEST(ShareFaults, ItCountsNotAgainstATasksMemoryLimit) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer's own memory counts";
  EXPECT_EQ(faults("memory_limit"), "within the limit\n");
}

TEST(ShareFaults, OneThatNoNodeHasMemoryForIsRefusedAndThePoolIsUsedOn) {
  EXPECT_THAT(faults("too_large"),
              AllOf(StartsWith("a value cannot be shared: rank 0 ("),
                    HasSubstr("a shared value of 16 TB does not fit in the "), EndsWith("\n10\n")));
}

TEST(ShareFaults, OneThatNoAddressSpaceIsLeftForIsRefusedAndThePoolIsUsedOn) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer needs address space";
  EXPECT_THAT(faults("no_address_space"),
              AllOf(StartsWith("a value cannot be shared: rank 0 ("),
                    HasSubstr("cannot map its 200 MB: Cannot allocate memory"), EndsWith("\n10\n")));
}

TEST(ShareFaults, The1025thIsRefusedUntilOneHasGone) {
  EXPECT_EQ(faults("many"),
            "1024 values are shared already; let handles go that are not needed any more\n522760\n");
}

TEST(ShareFaults, SomeDescriptorsAreLeftToTheRank) {
  EXPECT_THAT(faults("few_files"),
              AllOf(StartsWith("a value cannot be shared: rank 0 ("), HasSubstr("ulimit -n"),
                    EndsWith("\nfiles can be opened\nall can be read\n")));
}

TEST(ShareFaults, ARankThatIsSilentEndsTheSharing) {
  for (const char* name : {"stopped_rank", "stopped_rank_of_a_call"}) {
    const JobResult result = LibraryProgram{"share_faults_program"}.run(name, 2, "none");
    EXPECT_THAT(result.out, HasSubstr("was silent for 2.0 s")) << name;
    EXPECT_LT(result.seconds, 20) << name;
  }
}

TEST(ShareFaults, AHandleIsReadAfterThePoolsEnd) { EXPECT_EQ(faults("outlives"), "10\n"); }

// Several nodes.

// `ranks` more ranks than rank 0, started by a command that puts them elsewhere.
JobResult run_with(const std::vector<std::string>& elsewhere, int ranks, const std::string& name,
                   const std::string& isolation = "process") {
  const TempDir dir;
  // They share no memory with rank 0's node as far as Open MPI can know.
  std::vector<std::string> argv{"mpirun", "--mca", "btl", "self,tcp", "-n", "1"};
  const std::vector<std::string> program{LibraryProgram{"share_program"}.path(), name, isolation,
                                         dir.file("folder")};
  argv.insert(argv.end(), program.begin(), program.end());
  argv.insert(argv.end(), {":", "-n", std::to_string(ranks)});
  argv.insert(argv.end(), elsewhere.begin(), elsewhere.end());
  argv.insert(argv.end(), program.begin(), program.end());
  Job job(argv, with_mpi_environment({}));
  JobResult result = job.wait(60s);
  job.expect_nothing_left();
  return result;
}

// Rank 0 sees the processes of the other node, but they do not see it, so it is another node to them: one of
// three workers of which the first keeps the copy.
class ShareWithAnotherNode : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "another node needs root";
    int first = 0;
    const auto is_there = [&] {
      const std::string pid = std::to_string(node.pid());
      return static_cast<bool>(std::ifstream("/proc/" + pid + "/task/" + pid + "/children") >> first) ||
             node.ended();
    };
    if (!wait_until(is_there, 10s) || node.ended())
      GTEST_SKIP() << "namespaces of processes cannot be had here";
    on_it = {"nsenter", "-t", std::to_string(first), "-p", "-m"};
  }

  Job node{{"unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sleep", "100"}};
  std::vector<std::string> on_it;
};

TEST_F(ShareWithAnotherNode, ItsWorkersReadTheCopyThatOneOfThemKeeps) {
  EXPECT_EQ(run_with(on_it, 3, "sums").out, "right\n");
  EXPECT_EQ(run_with(on_it, 3, "sums", "none").out, "right\n");
}

TEST_F(ShareWithAnotherNode, BothCopiesAreFreedWithTheLastHandle) {
  EXPECT_EQ(run_with(on_it, 3, "copies").out, "2 copies of 200 MB\nfreed\n");
}

// As Apptainer starts a rank: it sees the others' processes, and may look into none of them.
TEST(ShareWithContainers, EachThatHasUsersOfItsOwnHasACopy) {
  const std::vector<std::string> container{"unshare", "--user", "--map-root-user"};
  if (Job({"unshare", "--user", "true"}).wait(10s).exit_code != 0)
    GTEST_SKIP() << "namespaces of users cannot be had here";
  EXPECT_EQ(run_with(container, 2, "copies").out, "3 copies of 200 MB\nfreed\n");
}

}  // namespace
}  // namespace parrun::test
