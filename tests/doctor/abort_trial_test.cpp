#include "doctor/abort_trial.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "batch/batch_file.hpp"

namespace {

using namespace std::chrono_literals;
using namespace parrun;
using namespace parrun::doctor;
using ::testing::Contains;
using ::testing::Pair;

// A job that began at 100 s and took 5 s.
Outcome command(const std::string& out, const std::string& err = "") {
  Outcome outcome;
  outcome.state = State::failed;
  outcome.exit_code = 124;
  outcome.started_s = 100;
  outcome.elapsed_s = 5;
  outcome.error = "exit code 124";
  outcome.stdout_text = out;
  outcome.stderr_text = err;
  return outcome;
}

TEST(AbortTrial, ItsBatchIsWholeAndIsReadByItsPath) {
  const Descriptor memory = endless_batch(5);
  const BatchFile batch(fmt::format("/proc/{}/fd/{}", getpid(), memory.get()));
  EXPECT_EQ(batch.size(), 5U);
  EXPECT_FALSE(decode_task(batch.payload(TaskId(0))).timeout) << "the limit is the job's";
  EXPECT_FALSE(decode_task(batch.payload(TaskId(0))).is_command());
  EXPECT_TRUE(decode_task(batch.payload(TaskId(1))).is_command());
}

TEST(AbortTrial, TheCommandHasABoundAndTheUsersSettings) {
  ::setenv("OMPI_MCA_btl_base_verbose", "7", 1);
  const TaskSpec spec = trial_command(Launcher::mpirun, {{"node1", 2}}, "/proc/1/fd/3", 60s);
  ::unsetenv("OMPI_MCA_btl_base_verbose");
  EXPECT_EQ(spec.timeout, 60s);
  EXPECT_THAT(spec.env, Contains(Pair("OMPI_MCA_btl_base_verbose", "7")));
  EXPECT_THAT(spec.env, Contains(Pair("SLURM_OVERLAP", "1")));
  EXPECT_EQ(std::get<ArgvCommand>(spec.work).argv.back(), "/proc/1/fd/3");
}

TEST(AbortTrial, IsLateFromTheFirstLimitThatPassed) {
  const AbortTrial trial =
      trial_result(Launcher::mpirun, command(R"({"state":"timed_out","host":"node1","started":102.5}
{"state":"timed_out","host":"node1","started":102.0}
{"state":"succeeded","host":"node1","started":90.0}
something else
)"),
                   {});
  EXPECT_NEAR(trial.late_s.value(), 2.0, 1e-6) << "it ended at 105 s, the limit of 1 s passed at 103 s";
  EXPECT_EQ(trial.exit_code, 124);
  EXPECT_FALSE(trial.ended_by_us);
}

TEST(AbortTrial, AnotherHostsClockIsPutRight) {
  const std::string line = R"({"state":"timed_out","host":"node2","started":112.0})";
  EXPECT_NEAR(trial_result(Launcher::mpirun, command(line), {{"node2", 10.0}}).late_s.value(), 2.0, 1e-6);
}

TEST(AbortTrial, WithoutATimedOutTaskThereIsNoLateness) {
  const AbortTrial trial =
      trial_result(Launcher::none, command("nothing\n", "a line\n\nparrun: why\n----\n"), {});
  EXPECT_FALSE(trial.late_s);
  EXPECT_EQ(trial.said, "parrun: why");
  EXPECT_EQ(trial.launcher, "parrun");
  EXPECT_EQ(trial_result(Launcher::srun, command("", "srun: error: no\n---\n"), {}).said, "srun: error: no");
  EXPECT_EQ(trial_result(Launcher::srun, command(""), {}).said, "exit code 124");
}

TEST(AbortTrial, OneThatWasKilledIsSaidToBe) {
  Outcome killed = command("");
  killed.state = State::timed_out;
  EXPECT_TRUE(trial_result(Launcher::mpirun, killed, {}).ended_by_us);
}

}  // namespace
