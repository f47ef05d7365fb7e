// The processes that tasks start and leave: gone with the task, or with the run, wherever they have hidden.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/harm.hpp"

namespace parrun::test {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kFamily = 5;  // of the task function leaves_family

// A command's: one in a session of its own that ignores all requests to end, a daemon, and one with another
// environment.
std::string family_command(const std::string& pids) {
  return "P='" + pids +
         "'; export P; : > $P; trap '' TERM HUP INT\n"
         "setsid sh -c 'echo $$ >> $P; exec sleep 1000' &\n"
         "(setsid sh -c 'echo $$ >> $P; exec sleep 1000' &)\n"
         "env -i P=$P setsid sh -c 'echo $$ >> $P; exec sleep 1000' &\n"
         "while [ $(wc -l < $P) -lt 3 ]; do sleep 0.01; done; ";
}
constexpr std::size_t kCommandFamily = 3;

// Ends what a test found alive, also where it fails.
class Pids {
 public:
  explicit Pids(std::vector<pid_t> pids) : pids_(std::move(pids)) {}
  Pids(const Pids&) = delete;
  Pids& operator=(const Pids&) = delete;
  ~Pids() {
    for (const pid_t pid : pids_) {
      if (lives(pid)) kill(pid, SIGKILL);
    }
  }
  std::size_t size() const { return pids_.size(); }
  long living() const { return test::living(pids_); }
  bool go(std::chrono::nanoseconds bound) const {
    return wait_until([this] { return living() == 0; }, bound);
  }

 private:
  std::vector<pid_t> pids_;
};

bool appear(const std::string& path, std::size_t count) {
  return wait_until([&] { return pids_in(path).size() == count; }, 15s);
}

// The end of the task.

TEST(ProcessesOfATask, AreGoneAtItsLimitWhileTheRunGoesOn) {
  const TempDir dir;
  Batch batch = harm_batch();
  batch.call("leaves_family", {dir.file("function"), true})
      .command(family_command(dir.file("command")) + "sleep 1000")
      .call("waits_for_file", {dir.file("seen")})
      .with("timeout", 40);
  Job job = start_parrun(4, batch.run_args(batch.pack(dir), {"--timeout", "2", "--on-timeout", "kill"}));
  ASSERT_TRUE(appear(dir.file("function"), kFamily));
  ASSERT_TRUE(appear(dir.file("command"), kCommandFamily));
  const Pids of_function(pids_in(dir.file("function")));
  const Pids of_command(pids_in(dir.file("command")));
  EXPECT_TRUE(of_function.go(5s)) << describe(job.processes());
  EXPECT_TRUE(of_command.go(5s)) << describe(job.processes());
  EXPECT_FALSE(job.ended());
  dir.write("seen", "");
  const JobResult result = job.wait(30s);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("3 tasks: 1 succeeded, 2 timed_out"));
  job.expect_nothing_left();
}

// Whether the processes whose ids are in the file still live: what a later task sees.
std::string count_living(const std::string& pids) {
  return "n=0; for p in $(cat '" + pids + "'); do kill -0 $p 2>/dev/null && n=$((n+1)); done; echo $n";
}

TEST(ProcessesOfATask, AreEndedBehindATaskThatEndsNormallyAndAWarningCountsThem) {
  const TempDir dir;
  const std::string function = dir.file("function");
  const std::string command = dir.file("command");
  Batch batch = harm_batch();
  batch.call("leaves_grandchild", {false}).command("echo next");
  batch.call("leaves_family", {function, false}).command(count_living(function));
  batch.command(family_command(command) + "echo left").command(count_living(command));
  batch.command("sleep 1000 & echo left").command("sleep 0.01 & wait");
  const Outcomes run = run_jsonl(batch, 2, {"--timeout", "20"});
  EXPECT_EQ(run.result.exit_code, 0) << run.result.err;
  EXPECT_THAT(warning_of(run, 0), HasSubstr("left 1 process behind"));
  EXPECT_THAT(warning_of(run, 2), HasSubstr("left 5 processes behind"));
  EXPECT_EQ(stdout_of(run, 3), "0\n");
  EXPECT_THAT(warning_of(run, 4), HasSubstr("left 3 processes behind"));
  EXPECT_EQ(stdout_of(run, 5), "0\n");
  EXPECT_THAT(warning_of(run, 6), HasSubstr("left 1 process behind"));
  EXPECT_THAT(warning_of(run, 6), HasSubstr("--keep-children"));
  for (const int quiet : {1, 3, 5, 7}) EXPECT_EQ(warning_of(run, quiet), "");
}

TEST(ProcessesOfATask, AreEndedBehindATaskThatCrashes) {
  const TempDir dir;
  const std::string pids = dir.file("pids");
  Batch batch;
  batch.command(family_command(pids) + "kill -9 $PPID; sleep 1000").command(count_living(pids));
  const Outcomes run = run_jsonl(batch, 2, {"--timeout", "20"});
  EXPECT_EQ(state_of(run, 0), "failed");
  EXPECT_EQ(pids_in(pids).size(), kCommandFamily);
  EXPECT_EQ(stdout_of(run, 1), "0\n");
}

// Kept children.

TEST(KeptChildren, LiveBesideLaterTasksAndBeyondALaterCrashAndTheRun) {
  const TempDir dir;
  const std::string pids = dir.file("pids");
  Batch batch = harm_batch();
  batch.call("leaves_family", {pids, false}).command(count_living(pids));
  batch.call("segfaults").command(count_living(pids));
  batch.command("kill -9 $PPID").command(count_living(pids));
  Job job = start_parrun(
      2, batch.run_args(batch.pack(dir), {"--keep-children", "--timeout", "20", "--format", "jsonl"}));
  const JobResult result = job.wait(30s);
  const Pids kept(pids_in(pids));
  EXPECT_EQ(result.exit_code, 1) << "two tasks crash; the run ends well all the same";
  const Outcomes run = parse_outcomes(result);
  for (const int task : {1, 3, 5}) EXPECT_EQ(stdout_of(run, task), "5\n") << "task " << task;
  EXPECT_EQ(warning_of(run, 0), "");
  EXPECT_EQ(kept.size(), kFamily);
  EXPECT_EQ(kept.living(), static_cast<long>(kFamily)) << "beyond the run";
  for (const pid_t pid : pids_in(pids)) kill(pid, SIGKILL);
  job.expect_nothing_left();
}

TEST(KeptChildren, EndWithARunThatEndsByALimit) {
  const TempDir dir;
  Batch batch = harm_batch();
  batch.call("leaves_family", {dir.file("pids"), false}).call("spins");
  const JobResult result =
      run_parrun(2, batch.run_args(batch.pack(dir), {"--keep-children", "--timeout", "2"}));
  const Pids kept(pids_in(dir.file("pids")));
  EXPECT_EQ(result.exit_code, 124);
  EXPECT_EQ(kept.size(), kFamily);
  EXPECT_TRUE(kept.go(3s));
}

// By kill -9.

class KillingOf : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Rank, KillingOf, ::testing::Values(-1, 0, 1), [](const auto& rank) {
  return rank.param < 0 ? "mpirun" : "rank" + std::to_string(rank.param);
});

TEST_P(KillingOf, EndsAllProcessesOfAllTasks) {
  const TempDir dir;
  Batch batch = harm_batch();
  batch.call("leaves_family", {dir.file("function"), true});
  batch.command(family_command(dir.file("command")) + "sleep 1000");
  Job job = start_parrun(3, batch.run_args(batch.pack(dir)));
  ASSERT_TRUE(appear(dir.file("function"), kFamily));
  ASSERT_TRUE(appear(dir.file("command"), kCommandFamily));
  const Pids of_function(pids_in(dir.file("function")));
  const Pids of_command(pids_in(dir.file("command")));
  EXPECT_EQ(of_function.living() + of_command.living(), static_cast<long>(kFamily + kCommandFamily));
  kill(GetParam() < 0 ? job.pid() : job.pid_of_rank(GetParam()), SIGKILL);
  EXPECT_NE(job.wait(20s).exit_code, 0);
  EXPECT_TRUE(of_function.go(5s));
  EXPECT_TRUE(of_command.go(5s));
  job.expect_nothing_left(5s);
}

// Also what an earlier task left and was allowed to keep: the run did not end well.
TEST_P(KillingOf, EndsKeptChildrenToo) {
  const TempDir dir;
  Batch batch = harm_batch();
  batch.call("leaves_family", {dir.file("pids"), false})
      .command("touch '" + dir.file("later") + "'; sleep 1000");
  Job job = start_parrun(2, batch.run_args(batch.pack(dir), {"--keep-children"}));
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(dir.file("later")); }, 15s));
  const Pids kept(pids_in(dir.file("pids")));
  EXPECT_EQ(kept.living(), static_cast<long>(kFamily));
  kill(GetParam() < 0 ? job.pid() : job.pid_of_rank(GetParam()), SIGKILL);
  EXPECT_NE(job.wait(20s).exit_code, 0);
  EXPECT_TRUE(kept.go(5s));
  job.expect_nothing_left(5s);
}

}  // namespace
}  // namespace parrun::test
