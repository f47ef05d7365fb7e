// Each way to start parrun in an allocation of several nodes.

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "slurm/slurm_test.hpp"

namespace parrun::test {
namespace {

using ::testing::HasSubstr;

// A task that waits until so many nodes have one.
std::string on_nodes(int nodes) {
  return "touch on.$(hostname); until [ $(ls on.* | wc -l) = " + std::to_string(nodes) +
         " ]; do sleep 0.1; done; ";
}

// Rank 0 executes nothing: each node has one more.
const std::vector<std::string> kTwoNodes{"--ntasks=4", "--ntasks-per-node=2"};
const std::vector<std::string> kThreeNodes{"--nodes=3", "--ntasks=6", "--ntasks-per-node=2"};

class Launch : public EachLauncher {
 protected:
  /// Twelve such tasks.
  void add_tasks_on(int nodes, const std::string& command = "true") {
    for (int task = 0; task < 12; ++task) batch.command(on_nodes(nodes) + command);
  }
};

INSTANTIATE_TEST_SUITE_P(By, Launch, ::testing::Values(Launcher::mpirun, Launcher::srun),
                         [](const auto& by) { return name_of(by.param); });

TEST_P(Launch, ABatchScriptUsesAllNodesOfItsAllocation) {
  add_tasks_on(3);
  pack();
  const SlurmJob job = submit("exec " + run_line(), kThreeNodes);
  job.expect_end("COMPLETED", "0:0");
  EXPECT_THAT(err(), HasSubstr("parrun: 12 tasks: 12 succeeded"));
  expect_all_nodes_named(job, 3);
}

TEST_P(Launch, AnAllocationGivesTheResultsToItsTerminal) {
  add_tasks_on(2);
  batch.command("echo done");
  pack();
  const SlurmJob job = allocate("exec " + run_line(), kTwoNodes);
  const JobResult result = job.command().wait(90s);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "done\n");
  job.expect_end("COMPLETED", "0:0");
  expect_all_nodes_named(job, 2);
}

TEST_P(Launch, AFailedTaskIsTheJobsExitCode) {
  batch.command("true").command("exit 3");
  pack();
  submit("exec " + run_line()).expect_end("FAILED", "1:0");
  EXPECT_THAT(err(), HasSubstr("2 tasks: 1 succeeded, 1 failed"));
}

// Relative names, the folder, and the user's variables are the same wherever a rank runs.
TEST_P(Launch, EveryNodeFindsTheSubmittersFolderModulesAndVariables) {
  std::filesystem::copy_file(test_module(), dir.file("own.so"));
  add_tasks_on(2, "pwd; echo $COLOUR; ls own.so");
  for (int task = 0; task < 12; ++task) batch.call("echo", {"called"});
  pack();
  ::setenv("COLOUR", "green", 1);
  std::filesystem::create_directory(dir.file("records"));
  const std::string by = GetParam() == Launcher::mpirun ? "mpirun" : "srun --mpi=pmix";
  submit("exec " + by + " parrun --load ./own.so --record records/own --format jsonl jobs.bin", kTwoNodes)
      .expect_end("COMPLETED", "0:0");
  std::set<std::string> hosts;
  std::istringstream lines(out());
  for (std::string line; std::getline(lines, line);) {
    const auto outcome = nlohmann::json::parse(line);
    if (outcome["task"] >= 12) continue;
    EXPECT_EQ(outcome["stdout"], dir.path().string() + "\ngreen\nown.so\n") << line;
    hosts.insert(outcome["host"]);
  }
  EXPECT_EQ(hosts.size(), 2U);
  EXPECT_EQ(recorded_states(dir.file("records/own")).size(), 24U);
}

class ScriptToCopy : public SlurmTest {};

// As it stands, with what its user would change said on the command line.
TEST_F(ScriptToCopy, RunsItsBatch) {
  for (int task = 0; task < 12; ++task) batch.command(on_nodes(2) + "echo $OMP_NUM_THREADS thread");
  pack();
  const SlurmJob job({"sbatch", "--parsable", "--ntasks-per-node=2", "--time=2", "--output=job.out",
                      PARRUN_SOURCE_DIR "/jobs/parrun.sbatch"},
                     {.env = {}, .cwd = dir.path().string()});
  job.expect_end("COMPLETED", "0:0");
  EXPECT_THAT(out(), HasSubstr("1 thread\n"));
  EXPECT_THAT(out(), HasSubstr("parrun: 12 tasks: 12 succeeded")) << "stderr goes there too";
  expect_all_nodes_named(job, 2);
}

}  // namespace
}  // namespace parrun::test
