// The end of a SLURM job is the end of the run, a little earlier. Limits are whole minutes there.

#include "slurm/slurm_test.hpp"

namespace parrun::test {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class Deadline : public EachLauncher {};

INSTANTIATE_TEST_SUITE_P(By, Deadline, ::testing::Values(Launcher::mpirun, Launcher::srun),
                         [](const auto& by) { return name_of(by.param); });

TEST_P(Deadline, ARunEndsBeforeItsJobWithNoTaskCutAndAnotherJobDoesTheRest) {
  pack_ledger(150, 1);
  const SlurmJob job = submit("exec " + run_line());
  job.expect_end("FAILED", "124:0");
  EXPECT_LT(run_ended_after_s(job), 60);
  EXPECT_GT(run_ended_after_s(job), 45) << "a tenth of a minute is the margin";
  EXPECT_THAT(err(), AllOf(HasSubstr("SLURM job " + job.id() + " ends in "),
                           HasSubstr("no task that is left can be expected to end before"),
                           HasSubstr(std::string("go on with: ") +
                                     (GetParam() == Launcher::mpirun ? "mpirun ... " : "") +
                                     "parrun --resume --load")));
  expect_ended_in_good_order();
  expect_the_rest_by_resuming(GetParam());
  expect_each_task_once();
}

TEST_P(Deadline, ThatIsSwitchedOffLeavesTheRunToTheJobsEndAndWhatFinishedIsRecorded) {
  pack_ledger(200, 1);
  const SlurmJob job = submit("exec " + run_line("--deadline none"));
  if (GetParam() == Launcher::srun) {
    job.expect_end("TIMEOUT", after_term(), 3min);
    EXPECT_GE(run_ended_after_s(job), 60);
  } else {
    // On a busy machine mpirun may crash on the end of its own daemon, or kill the run before its end is
    // recorded.
    job.expect_end("TIMEOUT", AnyOf(after_term(), "0:11"), 3min);
    EXPECT_GE(last_end_after_s(job), 60);
  }
  EXPECT_THAT(err(), HasSubstr("SIGTERM ends the run"));
  expect_nothing_finished_lost();
  expect_the_rest_by_resuming(GetParam());
}

class ChangedJob : public SlurmTest {};

TEST_F(ChangedJob, ThatIsExtendedGoesOnBeyondItsFirstEnd) {
  pack_ledger(130, 1);
  const SlurmJob job = submit("exec " + run_line(Launcher::mpirun));
  ASSERT_TRUE(wait_for_ends(3));
  job.update("TimeLimit=5");
  job.expect_end("COMPLETED", "0:0", 4min);
  EXPECT_GT(run_ended_after_s(job), 60);
  expect_each_task_once();
}

TEST_F(ChangedJob, ThatIsShortenedEndsBeforeItsNewEnd) {
  pack_ledger(600, 1);
  const SlurmJob job = submit("exec " + run_line(Launcher::srun), {"--time=4"});
  ASSERT_TRUE(wait_for_ends(3));
  job.update("TimeLimit=2");
  job.expect_end("FAILED", "124:0", 3min);
  EXPECT_LT(run_ended_after_s(job), 120);
  expect_ended_in_good_order();
}

}  // namespace
}  // namespace parrun::test
