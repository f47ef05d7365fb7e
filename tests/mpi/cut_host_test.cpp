// A host that is cut off in the middle of a run, by the cable so to say: mpirun by itself would notice after
// minutes, and does not end when it is told to.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "support/ledger.hpp"
#include "support/run_parrun.hpp"
#include "support/temp_dir.hpp"

namespace parrun::test {
namespace {

using ::testing::HasSubstr;

constexpr int kCutTasks = 120;
constexpr int kRanks = 6;

// Three virtual hosts, of which mpirun spans all from the first one.
class CutHost : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "virtual hosts need root";
    if (!hosts("up", dir.path().string())) GTEST_SKIP() << "network namespaces cannot be had here";
  }
  void TearDown() override { hosts("down"); }

  bool hosts(const std::string& verb, const std::string& argument = "") const {
    const std::string command = "bash '" PARRUN_SOURCE_DIR "/tests/mpi/virtual_hosts.sh' " + verb + " " +
                                name + " " + argument + " >> '" + dir.file("hosts.log") + "' 2>&1";
    return std::system(command.c_str()) == 0;
  }

  JobOptions options() const {
    JobOptions job;
    job.cwd = dir.path();
    return with_mpi_environment(job);
  }
  std::vector<std::string> argv(const std::vector<std::string>& extra) const {
    std::vector<std::string> argv = parrun_argv(kRanks, batch.run_args("jobs.bin", extra));
    argv.front() = dir.file("mpirun");
    return argv;
  }
  int done() const {
    int count = 0;
    for (const auto& [task, state] : recorded_states(dir.file("jobs.record"))) count += state == "succeeded";
    return count;
  }
  /// Processes of ours on the host that is cut off: Open MPI's daemon is not.
  std::vector<Process> ours_left(const Job& job) const {
    std::vector<Process> left = job.processes();
    std::erase_if(left, [](const Process& one) { return one.name == "orted"; });
    return left;
  }

  const TempDir dir;
  const std::string name = "pr" + std::to_string(::getpid()) + "h";
  Batch batch = ledger_batch(kCutTasks, dir.file("ledger"), 0.3);
};

TEST_F(CutHost, EndsTheJobAndNothingFinishedIsLost) {
  batch.pack(dir);
  Job job(argv({"--lost-after", "4"}), options());
  ASSERT_TRUE(wait_until([&] { return done() >= 2 * kRanks; }, 40s)) << job.err();
  hosts("cut", "3");
  const auto cut = std::chrono::steady_clock::now();
  const JobResult result = job.wait(60s);
  const auto took = std::chrono::steady_clock::now() - cut;
  EXPECT_LT(took, 4s + 15s) << "mpirun included";
  EXPECT_EQ(result.exit_code, 128 + SIGKILL) << "it would have waited";
  EXPECT_THAT(result.err, HasSubstr("was silent for 4.0 s (--lost-after) [host " + name + "3]"));
  EXPECT_THAT(result.err, HasSubstr("go on with: mpirun ... parrun --resume"));

  EXPECT_TRUE(wait_until([&] { return ours_left(job).empty(); }, 20s))
      << "what is cut off ends there by itself:\n"
      << describe(ours_left(job));

  const auto before = recorded_states(dir.file("jobs.record"));
  EXPECT_GE(done(), 2 * kRanks);
  const Ledger ledger(dir.file("ledger"));
  for (const auto& [task, state] : before) {
    if (state == "succeeded") {
      EXPECT_EQ(ledger.starts.at(task), 1) << task;
    }
  }
  const int finished = done();
  const JobResult rest = run_parrun(3, batch.run_args(dir.file("jobs.bin"), {"--resume"}));
  EXPECT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_EQ(done(), kCutTasks);
  EXPECT_EQ(Ledger(dir.file("ledger")).total_starts() - ledger.total_starts(), kCutTasks - finished)
      << "no finished task runs again";
}

TEST_F(CutHost, EndsAJobWhoseRanksAreJustStarting) {
  batch.pack(dir);
  Job job(argv({"--deadline", "6", "--lost-after", "4"}), options());
  job.pid_of_rank(0);  // it is in MPI_Init, or just behind it
  hosts("cut", "3");
  const JobResult result = job.wait(60s);
  EXPECT_LT(result.seconds, 6 + 15);
  EXPECT_NE(result.exit_code, 0);
}

}  // namespace
}  // namespace parrun::test
