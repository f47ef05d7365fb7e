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

// The array's number is the last element's too. That one's first job has 40 s, its start included, for 40 s
// of tasks; the other element, and the job that comes again, have all that they need.
TEST_P(Requeue, AnElementOfAnArrayRequeuesItselfAlone) {
  pack_ledger(160, 1);
  const SlurmJob job = submit(
      "margin=1\n[ $SLURM_JOB_ID,$SLURM_RESTART_COUNT = $SLURM_ARRAY_JOB_ID, ] && margin=80\n"
      "exec " +
          run_line("--requeue --margin $margin"),
      {"--requeue", "--array=1-2", "--time=2"});
  const std::string element = job.id() + "_2";
  const auto left = [&] { return slurm({"squeue", "-h", "-j", job.id(), "-o", "%i %T %r"}); };
  ASSERT_TRUE(wait_until([&] { return left() == element + " PENDING BeginTime\n"; }, 2min, 1s))
      << left() << err();
  slurm({"scontrol", "update", "JobId=" + element, "StartTime=now"});
  ASSERT_TRUE(job.wait_for_end()) << err();
  EXPECT_THAT(job.fields("Restarts"), ::testing::UnorderedElementsAre("0", "1")) << err();
  EXPECT_THAT(job.fields("ExitCode"), ::testing::Each("0:0")) << err();
  expect_each_task_once();
}

}  // namespace
}  // namespace parrun::test
