// How SLURM tells a job that it is to end, and what becomes of the run. Which ranks hear it, and whether the
// tasks do, is another matter each time.

#include "slurm/slurm_test.hpp"

namespace parrun::test {
namespace {

using ::testing::HasSubstr;

class Signals : public EachLauncher {
 protected:
  void SetUp() override {
    EachLauncher::SetUp();
    if (!IsSkipped()) pack_ledger(200, 0.5);
  }
  void expect_the_run_ended_by(const std::string& signal) const {
    EXPECT_THAT(err(), HasSubstr(signal + " ends the run"));
    expect_nothing_finished_lost();
    expect_the_rest_by_resuming(GetParam());
  }
};

INSTANTIATE_TEST_SUITE_P(By, Signals, ::testing::Values(Launcher::mpirun, Launcher::srun),
                         [](const auto& by) { return name_of(by.param); });

// SLURM looks every half a minute what is to be sent before its next look.
TEST_P(Signals, AWarningToTheScriptThatBecameTheLauncherEndsTheRun) {
  const SlurmJob job = submit("exec " + run_line("--deadline none"), {"--signal=B:USR1@15"});
  job.expect_end("FAILED", "138:0");
  if (GetParam() == Launcher::mpirun) expect_ended_in_good_order();  // srun passes it on to the tasks too
  expect_the_run_ended_by("SIGUSR1");
}

// Under mpirun only the ranks of the other nodes are in a step, and hear it.
TEST_P(Signals, AWarningToTheStepsEndsTheRun) {
  const SlurmJob job = submit("exec " + run_line("--deadline none"), {"--signal=USR1@15"});
  job.expect_end("FAILED", "138:0");
  expect_the_run_ended_by("SIGUSR1");
}

TEST_P(Signals, AJobThatIsCancelledHasItsResultsSafe) {
  const SlurmJob job = submit("exec " + run_line());
  ASSERT_TRUE(wait_for_ends(10));
  job.cancel();
  job.expect_end("CANCELLED", after_term());
  expect_the_run_ended_by("SIGTERM");
}

TEST_P(Signals, AJobThatIsPreemptedHasItsGrace) {
  const SlurmJob job = submit("exec " + run_line(), {"--partition=low", "--exclusive"});
  ASSERT_TRUE(wait_for_ends(10, 3min));
  const SlurmJob urgent = submit("true", {"--partition=high", "--exclusive", "--output=/dev/null"});
  // It has ended itself, before SLURM did.
  job.expect_end("FAILED", after_term());
  expect_the_run_ended_by("SIGTERM");
  urgent.expect_end("COMPLETED", "0:0");
}

}  // namespace
}  // namespace parrun::test
