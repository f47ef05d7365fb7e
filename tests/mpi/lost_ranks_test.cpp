// Ranks that die or fall silent: what had finished is printed, and what was lost is named.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "support/batch.hpp"
#include "support/run_parrun.hpp"
#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"

namespace parrun::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kLastRanks = 4;

// A run of three workers, of which each first ends ten tasks and then sits in a long one.
class LostRank : public ::testing::Test {
 protected:
  static constexpr int kShort = 30;
  static constexpr int kLong = 3;

  Job& start(std::vector<std::string> options = {}) {
    for (int i = 0; i < kShort; ++i) batch.call("echo", {std::to_string(i)});
    for (int i = 0; i < kLong; ++i) batch.command("sleep 1000");
    options.insert(options.end(), {"--format", "jsonl"});
    RunOptions run;
    run.patient_mpirun = true;
    job = std::make_unique<Job>(parrun_argv(kLastRanks, batch.run_args(batch.pack(dir), options)),
                                with_mpi_environment(run));
    EXPECT_TRUE(wait_until([&] { return sleepers() == kLong; }, 20s)) << job->err();
    return *job;
  }

  std::ptrdiff_t sleepers() const {
    const auto processes = job->processes();
    return std::count_if(processes.begin(), processes.end(),
                         [](const Process& one) { return one.name == "sleep"; });
  }

  /// The states of all tasks that were told, each once.
  std::map<std::string, int> states(const JobResult& result) {
    std::map<std::string, int> count;
    std::map<int, int> told;
    std::istringstream lines(result.out);
    for (std::string line; std::getline(lines, line);) {
      const auto object = nlohmann::json::parse(line);
      ++count[object["state"]];
      EXPECT_EQ(++told[object["task"]], 1) << line;
    }
    return count;
  }

  const TempDir dir;
  Batch batch;
  std::unique_ptr<Job> job;
};

TEST_F(LostRank, OneThatIsKilledEndsTheRunWithAllThatHadFinishedAndItsTaskLost) {
  start();
  kill(job->pid_of_rank(2), SIGKILL);
  const JobResult result = job->wait(20s);
  EXPECT_NE(result.exit_code, 0);
  auto told = states(result);
  EXPECT_EQ(told["succeeded"], kShort) << result.err;
  EXPECT_EQ(told["lost"], 1) << result.err;
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("parrun: SIGTERM ends the run; rank 2 ("), HasSubstr(") has died")));
  EXPECT_THAT(result.err, HasSubstr("33 tasks: 30 succeeded"));
  job->expect_nothing_left();
}

TEST_F(LostRank, RankZeroThatIsKilledLosesNothingThatItHadPrinted) {
  start();
  const auto lines = [&] {
    const std::string out = job->out();
    return std::count(out.begin(), out.end(), '\n');
  };
  EXPECT_TRUE(wait_until([&] { return lines() >= kShort; }, 10s));
  kill(job->pid_of_rank(0), SIGKILL);
  const JobResult result = job->wait(20s);
  EXPECT_NE(result.exit_code, 0);
  EXPECT_EQ(states(result)["succeeded"], kShort);
  job->expect_nothing_left();
}

TEST_F(LostRank, OneThatIsStoppedEndsTheRunAfterItsSilence) {
  start({"--lost-after", "2"});
  kill(job->pid_of_rank(1), SIGSTOP);
  const JobResult result = job->wait(20s);
  EXPECT_EQ(result.exit_code, 124);
  auto told = states(result);
  EXPECT_EQ(told["succeeded"], kShort);
  EXPECT_EQ(told["lost"], 1);
  EXPECT_THAT(result.err, HasSubstr("rank 1 was silent for 2.0 s (--lost-after)"));
  job->expect_nothing_left();
}

TEST_F(LostRank, MpirunThatIsToldToEndLetsRankZeroTellWhatStoodWhere) {
  start();
  kill(job->pid(), SIGTERM);
  const JobResult result = job->wait(20s);
  EXPECT_NE(result.exit_code, 0);
  EXPECT_EQ(states(result)["succeeded"], kShort);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("parrun: SIGTERM ends the run"), HasSubstr("33 tasks: 30 succeeded")));
  job->expect_nothing_left();
}

TEST_F(LostRank, MpirunThatIsKilledLeavesNoProcess) {
  start();
  kill(job->pid(), SIGKILL);
  job->wait(20s);
  job->expect_nothing_left(10s);
}

TEST(LostRanks, ASignalToALoneRankEndsItsRunWithTheSignalsCode) {
  const TempDir dir;
  const Batch batch = Batch().call("echo", {"done"}).command("sleep 1000");
  Job job = start_parrun(0, batch.run_args(batch.pack(dir), {"--grace", "0.5"}));
  ASSERT_TRUE(wait_until([&] { return job.out() == "\"done\"\n"; }, 10s));
  kill(job.pid(), SIGINT);
  const JobResult result = job.wait(10s);
  EXPECT_EQ(result.exit_code, 128 + SIGINT);
  EXPECT_THAT(result.err, AllOf(HasSubstr("SIGINT ends the run"), HasSubstr("1 succeeded, 1 cancelled")));
  job.expect_nothing_left();
}

}  // namespace
}  // namespace parrun::test
