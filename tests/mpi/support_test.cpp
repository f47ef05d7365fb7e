// The harness of the end-to-end tests, tested itself: on shell commands, without parrun.

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "support/batch.hpp"
#include "support/job.hpp"
#include "support/run_parrun.hpp"
#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"

namespace parrun::test {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> shell(const std::string& line) { return {"sh", "-c", line}; }

// A program in a session of its own, whose parent is gone, that ignores SIGTERM.
constexpr const char* kEscape = R"(setsid sh -c "trap '' TERM; exec sleep 1000" > /dev/null 2>&1 & exit 0)";

bool holds_one_sleeper(const Job& job) {
  const std::vector<Process> left = job.processes();
  return job.ended() && left.size() == 1 && left[0].name == "sleep";
}

TEST(Job, ReportsOutputsAndExitCodeApart) {
  Job job(shell("echo out; echo err >&2; exit 7"));
  const JobResult result = job.wait(10s);
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
  EXPECT_GE(result.seconds, 0);
  job.expect_nothing_left();
}

TEST(Job, ReportsASignalAsAShellDoes) {
  EXPECT_EQ(Job(shell("kill -TERM $$")).wait(10s).exit_code, 128 + SIGTERM);
}

TEST(Job, TakesInMuchOutputOnBothPipesAtOnce) {
  constexpr std::size_t kBytes = 4 << 20;
  Job job(shell("head -c 4194304 /dev/zero >&2 & head -c 4194304 /dev/zero; wait"));
  const JobResult result = job.wait(30s);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out.size(), kBytes);
  EXPECT_EQ(result.err.size(), kBytes);
}

TEST(Job, GivesEnvironmentFolderAndInput) {
  const TempDir dir;
  JobOptions options;
  options.env = {{"HARNESS_WORD", "hello"}, {"PATH", "/usr/bin:/bin"}};
  options.cwd = dir.path();
  options.stdin_path = dir.write("input", "typed");
  const JobResult result = Job(shell("echo $HARNESS_WORD $PATH; pwd -P; cat"), options).wait(10s);
  EXPECT_EQ(result.out,
            "hello /usr/bin:/bin\n" + std::filesystem::canonical(dir.path()).string() + "\ntyped");
}

TEST(Job, AProgramThatDoesNotExistThrows) { EXPECT_THROW(Job({"/no/such/program"}), std::system_error); }

TEST(Job, BlocksOnAStdoutThatNobodyReads) {
  JobOptions options;
  options.stdout_unread = true;
  Job job(shell("exec head -c 1000000 /dev/zero"), options);
  ASSERT_TRUE(wait_until(
      [&] {
        const auto running = job.processes();
        return running.size() == 1 && running[0].name == "head" && running[0].state == 'S';
      },
      10s));
  EXPECT_FALSE(job.ended());
}

TEST(Job, FindsADescendantInAnotherSession) {
  Job job(shell(kEscape));
  EXPECT_EQ(job.wait(10s).exit_code, 0);
  EXPECT_TRUE(wait_until([&] { return holds_one_sleeper(job); }, 10s)) << describe(job.processes());
}

TEST(Job, ADescendantLeftBehindFailsTheTest) {
  Job job(shell(kEscape));
  job.wait(10s);
  ASSERT_TRUE(wait_until([&] { return holds_one_sleeper(job); }, 10s));
  EXPECT_NONFATAL_FAILURE(job.expect_nothing_left(50ms), "sleep 1000");
}

TEST(Job, ItsDestructorEndsDescendantsInAnotherSession) {
  pid_t escaped = 0;
  {
    Job job(shell(kEscape));
    ASSERT_TRUE(wait_until([&] { return holds_one_sleeper(job); }, 10s));
    escaped = job.processes()[0].pid;
    EXPECT_EQ(::kill(escaped, 0), 0);
  }
  // It may stay as a zombie where nobody reaps orphans; kill() finds that one too.
  const std::string environment = "/proc/" + std::to_string(escaped) + "/environ";
  EXPECT_TRUE(std::ifstream(environment).get() == std::ifstream::traits_type::eof());
}

TEST(Job, ADescendantThatKeepsStdoutOpenDoesNotDelayTheEnd) {
  Job job(shell("sleep 1000 & echo done"));
  const JobResult result = job.wait(10s);
  EXPECT_EQ(result.out, "done\n");
  EXPECT_LT(result.seconds, 10);
}

TEST(Job, WaitingBeyondTheLimitFailsTheTestAndEndsAll) {
  Job job(shell("trap '' TERM; echo begun; setsid sleep 1000 & sleep 1000"));
  ASSERT_TRUE(wait_until([&] { return job.out() == "begun\n"; }, 10s));
  JobResult result;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_NONFATAL_FAILURE(result = job.wait(100ms), "still running after 100 ms");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  EXPECT_EQ(result.exit_code, -1);
  EXPECT_EQ(result.out, "begun\n");
  job.expect_nothing_left(0s);
}

TEST(Job, WaitsNoLongerThanTheLimitForOneThatWritesWithoutEnd) {
  Job job(shell("exec yes > /dev/stderr"));
  EXPECT_NONFATAL_FAILURE(job.wait(100ms), "yes");
  EXPECT_TRUE(wait_until([&] { return job.ended(); }, 10s));
}

TEST(Job, DoesNotSeeTheProcessesOfAnotherJob) {
  const Job other(shell("exec sleep 1000"));
  const Job job(shell("exec sleep 1000"));
  std::vector<Process> processes;  // one that is just being made another program has no environment
  ASSERT_TRUE(wait_until([&] { return (processes = job.processes()).size() == 1; }, 10s));
  EXPECT_EQ(processes[0].pid, job.pid());
}

TEST(Job, FindsTheProcessOfEachRank) {
  // Each rank has a child of the same name and environment, as parrun's ranks have.
  RunOptions options;
  options.program = "sh";
  const Job job =
      start_parrun(2, {"-c", "sh -c 'sleep 1000; :' & echo rank $OMPI_COMM_WORLD_RANK is $$; wait"}, options);
  const auto both_are_up = [&] {
    const std::string out = job.out();
    return std::count(out.begin(), out.end(), '\n') == 2;
  };
  ASSERT_TRUE(wait_until(both_are_up, 20s)) << job.err();
  EXPECT_THAT(job.out(), HasSubstr("rank 0 is " + std::to_string(job.pid_of_rank(0, "sh")) + "\n"));
  EXPECT_THAT(job.out(), HasSubstr("rank 1 is " + std::to_string(job.pid_of_rank(1, "sh")) + "\n"));
}

TEST(Job, ARankThatDoesNotExistThrows) {
  const Job job(shell("exec sleep 1000"));
  EXPECT_THROW(job.pid_of_rank(0, "sleep", 50ms), std::runtime_error);
}

TEST(Job, AStoppedRankIsSeenAndEnded) {
  RunOptions options;
  options.program = "sleep";
  const Job job = start_parrun(2, {"1000"}, options);
  const pid_t pid = job.pid_of_rank(1, "sleep");
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  const auto is_stopped = [&] {
    return std::ranges::any_of(job.processes(),
                               [&](const Process& p) { return p.pid == pid && p.state == 'T'; });
  };
  EXPECT_TRUE(wait_until(is_stopped, 10s));
}

TEST(RunParrun, OnlyRank0WritesToItsOwnFile) {
  const TempDir dir;
  RunOptions options;
  options.program = "sh";
  options.rank0_stdout = dir.file("rank 0's output");
  const JobResult result = run_parrun(2, {"-c", "echo rank $OMPI_COMM_WORLD_RANK"}, options);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "rank 1\n");
  std::ifstream file(options.rank0_stdout);
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line, "rank 0");
}

TEST(RunParrun, Rank0BlocksOnAFullFifo) {
  const TempDir dir;
  const FullFifo fifo(dir.file("fifo"));
  RunOptions options;
  options.program = "sh";
  options.rank0_stdout = dir.file("fifo");
  const Job job = start_parrun(1, {"-c", "echo asked >&2; echo blocked; echo passed >&2"}, options);
  ASSERT_TRUE(wait_until([&] { return job.err() == "asked\n"; }, 20s));
  EXPECT_FALSE(wait_until([&] { return job.err() != "asked\n"; }, 100ms)) << job.err();
}

TEST(Batch, WritesOneObjectALine) {
  const Batch batch = Batch()
                          .command("exit 3")
                          .argv({"printf", "%s"})
                          .with("stdin", "text")
                          .call("exits", {3})
                          .with("label", "third")
                          .call("sum", {std::vector<double>{1, 2}});
  EXPECT_EQ(batch.json_lines(), R"({"command":"exit 3"}
{"argv":["printf","%s"],"stdin":"text"}
{"args":[3],"call":"exits","label":"third"}
{"args":[[1.0,2.0]],"call":"sum"}
)");
}

TEST(TempDir, IsRemovedWithItsContent) {
  std::string path;
  {
    const TempDir dir;
    path = dir.write("file", "content");
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(path).parent_path()));
}

TEST(WaitUntil, GivesUpAtItsBound) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(wait_until([] { return false; }, 30ms));
  EXPECT_GE(std::chrono::steady_clock::now() - start, 30ms);
  EXPECT_TRUE(wait_until([] { return true; }, 0s));
}

}  // namespace
}  // namespace parrun::test
