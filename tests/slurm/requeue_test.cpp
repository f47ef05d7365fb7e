// Jobs that come again: they go on where they were.

#include "slurm/slurm_test.hpp"

namespace parrun::test {
namespace {

class Requeue : public EachLauncher {};

INSTANTIATE_TEST_SUITE_P(By, Requeue, ::testing::Values(Launcher::mpirun, Launcher::srun),
                         [](const auto& by) { return name_of(by.param); });

// Three workers have 45 s in each job.
TEST_P(Requeue, ABatchOfSeveralJobsGoesThroughThemByItselfAndStartsEachTaskOnce) {
  pack_ledger(300, 1);
  const SlurmJob job = submit("exec " + run_line("--requeue --margin 15"), {"--requeue", "--ntasks=4"});
  job.hurry_through_requeues(4min);
  job.expect_end("COMPLETED", "0:0");
  EXPECT_GE(job.restarts(), 2) << err();
  expect_ended_in_good_order();
  expect_each_task_once();
}

}  // namespace
}  // namespace parrun::test
