// Job arrays: each job runs its part of the batch.

#include "slurm/slurm_test.hpp"
#include "support/run_parrun.hpp"

namespace parrun::test {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class Array : public EachLauncher {};

INSTANTIATE_TEST_SUITE_P(By, Array, ::testing::Values(Launcher::mpirun, Launcher::srun),
                         [](const auto& by) { return name_of(by.param); });

TEST_P(Array, EachJobRunsItsPartAndTheRecordsAreReadAsOne) {
  pack_ledger(20, 0.1);
  const SlurmJob job = submit("exec " + run_line(), {"--array=0-6:3", "--time=3"});
  ASSERT_TRUE(job.wait_for_end(4min)) << err();
  EXPECT_THAT(job.fields("ExitCode"), SizeIs(3));
  EXPECT_THAT(job.fields("ExitCode"), Each("0:0")) << err();
  EXPECT_THAT(err(), HasSubstr("shard 2/3: 7 of 20 tasks, as SLURM_ARRAY_TASK_ID says"));
  expect_each_task_once();
  std::vector<std::string> results{"results", "--indices"};
  for (const char* part : {"1", "2", "3"}) {
    results.push_back(dir.file("jobs." + std::string(part) + "-of-3.record"));
    EXPECT_GE(recorded_states(results.back()).size(), 6U) << results.back();
  }
  std::string all;
  for (int task = 0; task < 20; ++task) all += std::to_string(task) + "\n";
  EXPECT_EQ(run_parrun(0, results).out, all);
}

}  // namespace
}  // namespace parrun::test
