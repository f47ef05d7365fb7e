// Input that cannot be used: exit code 2, one line from one rank, nothing run.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "batch/batch_file.hpp"
#include "report/console.hpp"
#include "support/batch.hpp"
#include "support/run_parrun.hpp"
#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"

namespace parrun::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr int kUsage = 2;

// Our lines on stderr; mpirun adds its own about the exit code.
std::vector<std::string> our_lines(const JobResult& result) {
  std::vector<std::string> lines;
  std::istringstream text(result.err);
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("parrun: ")) lines.push_back(line);
  }
  return lines;
}

void expect_refused(const JobResult& result, const std::string& what) {
  EXPECT_EQ(result.exit_code, kUsage);
  EXPECT_EQ(result.out, "");
  const auto lines = our_lines(result);
  ASSERT_EQ(lines.size(), 1U) << result.err;
  EXPECT_THAT(lines.front(), HasSubstr(what));
}

class Refused : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, Refused, ::testing::Values(0, 4),
                         [](const auto& ranks) { return "of" + std::to_string(ranks.param); });

TEST_P(Refused, MissingFile) {
  expect_refused(run_parrun(GetParam(), {"/no/such/jobs.bin"}), "/no/such/jobs.bin");
}

TEST_P(Refused, EmptyForeignAndTruncatedFiles) {
  const TempDir dir;
  expect_refused(run_parrun(GetParam(), {dir.write("empty.bin", "")}), "empty.bin");
  expect_refused(run_parrun(GetParam(), {dir.write("foreign.bin", std::string(5000, 'x'))}), "foreign.bin");
  const Batch batch = Batch().command("echo must not run");
  const std::string path = batch.pack(dir);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  expect_refused(run_parrun(GetParam(), {path}), path);
}

TEST_P(Refused, UnknownOptionAndBadDurations) {
  expect_refused(run_parrun(GetParam(), {"--no-such-option", "jobs.bin"}), "--no-such-option");
  for (const char* bad : {"0", "-1", "nan", "1e400", "3x", ""}) {
    expect_refused(run_parrun(GetParam(), {std::string("--timeout=") + bad, "jobs.bin"}), "--timeout");
  }
  expect_refused(run_parrun(GetParam(), {"--timeout=", "jobs.bin"}), "--timeout: it is an empty word");
  expect_refused(run_parrun(GetParam(), {}), "no batch file");
}

TEST_P(Refused, FunctionThatNoModuleHas) {
  const TempDir dir;
  const Batch batch = Batch().call("echo", {"x"});
  expect_refused(run_parrun(GetParam(), {batch.pack(dir)}), "'echo'");
}

TEST_P(Refused, ModuleThatDoesNotLoad) {
  const TempDir dir;
  const std::string path = Batch().command("true").pack(dir);
  expect_refused(run_parrun(GetParam(), {"--load", "/no/such.so", path}), "/no/such.so");
  expect_refused(run_parrun(GetParam(), {"--load", dir.write("text.so", "no module"), path}), "text.so");
}

TEST_P(Refused, WorkdirInWhichNoFolderCanBeMade) {
  const TempDir dir;
  const std::string path = Batch().command("echo must not run").pack(dir);
  const std::string file = dir.write("file", "");
  for (const std::string& workdir : {file, file + "/deeper", std::string("/proc/no/such")}) {
    expect_refused(run_parrun(GetParam(), {"--workdir", workdir, path}), "--workdir " + workdir);
  }
  EXPECT_FALSE(std::filesystem::exists(dir.file("jobs.record")));
}

TEST(RefusedRank, WhoseModulesDifferIsNamed) {
  const TempDir dir;
  const std::string path = Batch().command("echo must not run").pack(dir);
  std::vector<std::string> argv = parrun_argv(2, {"--load", test_module(), path});
  argv.insert(argv.end(), {":", "-n", "1", PARRUN_BINARY, "--load", test_module("marks"), path});
  Job job(argv, with_mpi_environment({}));
  expect_refused(job.wait(30s), "rank 2");
  job.expect_nothing_left();
}

// Streams that are closed from the start.

class ClosedStreams : public ::testing::Test {
 protected:
  /// `line`: with the program as $0 and the batch as $1.
  JobResult shell(const std::string& line) const {
    Job job({"sh", "-c", line, PARRUN_BINARY, jobs_bin_}, with_mpi_environment({}));
    return job.wait(30s);
  }

  const TempDir dir_;
  const std::string jobs_bin_ = Batch().command("echo ran").pack(dir_);
};

TEST_F(ClosedStreams, AClosedStdinTakesNoOutputAway) {
  const JobResult result = shell(R"("$0" --no-record "$1" <&-)");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "ran\n");
}

TEST_F(ClosedStreams, AClosedStdoutIsOneThatCannotBeWritten) {
  const JobResult result = shell(R"("$0" --no-record "$1" >&-)");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("results cannot be written to stdout"));
}

TEST_F(ClosedStreams, WhatIsSaidToAClosedStderrIsNotInTheBatch) {
  EXPECT_EQ(shell(R"(echo true | "$0" pack - -o "$1" 2>&-)").exit_code, 0);
  EXPECT_EQ(BatchFile(jobs_bin_).size(), 1U);
}

TEST_F(ClosedStreams, AFullStderrChangesNoExitCode) {
  EXPECT_EQ(shell(R"("$0" --nonsense 2>/dev/full)").exit_code, kUsage);
  EXPECT_EQ(shell(R"(echo true | "$0" pack - -o "$1" 2>/dev/full)").exit_code, 0);
}

TEST(ErrorInMidRun, IsNotToldAsInputForWhichNothingWasRun) {
  const TempDir dir;
  parrun::RunOptions options;
  options.batch_file = Batch().command("true").pack(dir);
  Console::Options console;
  console.joblog = dir.file("log");
  console.work_text = [](const TaskSpec&) -> std::string { throw InputError("no text"); };
  const auto run = [&] {
    const TimePoint start = Clock::now();
    std::exit(run_batch(
        options, [&] { return std::make_unique<Console>(console, start); }, start));
  };
  EXPECT_EXIT(run(), ::testing::ExitedWithCode(3), "parrun: rank 0: no text");
}

// Who is told nothing but that the input is refused, and cannot tell it.
class Mute final : public RunListener {
 public:
  void on_error(const std::string& /*why*/) override { throw std::runtime_error("nobody can be told"); }
  void check() override {}
  void on_start(const RunStart& /*start*/) override {}
  void on_nothing_to_do() override {}
  void on_no_costs() override {}
  void on_ended(const Outcome& /*outcome*/, const std::string& /*label*/) override {}
  void on_result(const Outcome& /*outcome*/, const std::string& /*label*/) override {}
  void on_retried(const Outcome& /*outcome*/, const std::string& /*label*/) override {}
  void on_turn(const Dispatcher::Counts& /*counts*/, TimePoint /*now*/) override {}
  bool congested() const override { return false; }
  bool flushed() const override { return true; }
  std::optional<std::string> failure() const override { return std::nullopt; }
  void on_signal(int /*number*/, Duration /*grace*/, const Dispatcher::Counts& /*counts*/,
                 const Outstanding& /*outstanding*/) override {}
  void on_limit(const Expiry& /*expiry*/, const Outstanding& /*outstanding*/) override {}
  void on_halt(const HaltRule& /*rule*/) override {}
  void on_run_again(const std::string& /*refusal*/) override {}
  void on_end(const Dispatcher::Counts& /*counts*/, TimePoint /*now*/) override {}
};

TEST(ErrorOfARefusal, EndsTheJobWhileMpiLives) {
  parrun::RunOptions options;
  options.batch_file = "/no/such/jobs.bin";
  const auto run = [&] {
    std::exit(run_batch(
        options, [] { return std::make_unique<Mute>(); }, Clock::now()));
  };
  EXPECT_EXIT(run(), ::testing::ExitedWithCode(3), "parrun: rank 0: nobody can be told");
}

// Else the results of its tasks would be recorded as those of the others.
TEST(BatchInUse, ThatIsWrittenOverEndsTheRun) {
  const TempDir dir;
  Batch before;
  Batch after;
  for (int task = 0; task < 1000; ++task) {
    before.command("sleep 0.02; echo before");
    after.command("sleep 0.02; echo AFTER!");
  }
  const std::string jobs_bin = before.pack(dir);
  const std::string other = after.pack(dir, "other.bin");
  Job job = start_parrun(3, {jobs_bin});
  ASSERT_TRUE(wait_until([&] { return !job.out().empty(); }, 10s));
  std::fstream(jobs_bin, std::ios::in | std::ios::out) << std::ifstream(other).rdbuf();
  const JobResult result = job.wait(30s);
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("jobs.bin was written to while a run reads it"));
  EXPECT_THAT(result.out, Not(HasSubstr("AFTER!")));
}

// Its labels cannot be read then, nor what the log of tasks is to say of them.
TEST(BatchInUse, ThatIsWrittenOverByOneOfAnotherShapeLosesNothingThatHadFinished) {
  const TempDir dir;
  Batch before;
  for (int task = 0; task < 1000; ++task) {
    before.command("sleep 0.02; echo x").with("label", "task " + std::to_string(task));
  }
  const std::string jobs_bin = before.pack(dir);
  Job job = start_parrun(3, {"--joblog", dir.file("log"), jobs_bin});
  ASSERT_TRUE(wait_until([&] { return !job.out().empty(); }, 10s));
  std::fstream(jobs_bin, std::ios::in | std::ios::out) << std::string(fs::file_size(jobs_bin) - 100, '\x7f');
  const JobResult result = job.wait(30s);
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("jobs.bin was written to while a run reads it"));
  const JobResult recorded = run_parrun(0, {"results", dir.file("jobs.record"), "--format", "csv", "--state",
                                            "succeeded", "--columns", "stdout"});
  EXPECT_GE(std::ranges::count(recorded.out, 'x'), std::ranges::count(result.out, 'x'));
}

// Modules.

class HostileModule : public ::testing::TestWithParam<int> {
 protected:
  JobResult run(const std::string& what, const std::string& jobs_bin, std::vector<std::string> args = {}) {
    RunOptions options;
    options.env = {{"PARRUN_TEST_HOSTILE", what}};
    args.insert(args.end(), {"--no-record", "--load", test_module("hostile"), jobs_bin});
    return run_parrun(GetParam(), args, options);
  }
  const TempDir dir;
  const std::string commands = Batch().command("echo done").command("false").pack(dir);
};
INSTANTIATE_TEST_SUITE_P(Ranks, HostileModule, ::testing::Values(0, 3),
                         [](const auto& ranks) { return "of" + std::to_string(ranks.param); });

TEST_P(HostileModule, ThatHangsWhileItIsLoadedEndsTheRunAtItsDeadline) {
  const JobResult result = run("hangs", commands, {"--deadline", "1"});
  EXPECT_EQ(result.exit_code, 124) << result.err;
  EXPECT_THAT(result.err, HasSubstr("parrun: the run reached its limit while its modules were loaded"));
}

TEST_P(HostileModule, ThatEndsTheProgramIsNoSuccess) {
  const JobResult result = run("exits", commands);
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.err, HasSubstr("parrun: exit() was called in parrun's own process"));
}

TEST_P(HostileModule, HasNoPartInTheEndOfTheProgram) {
  for (const char* what : {"hangs_at_exit", "exits_at_exit"}) {
    const JobResult result = run(what, commands, {"--deadline", "20"});
    EXPECT_EQ(result.exit_code, 1) << what << result.err;
    EXPECT_EQ(result.out, "done\n") << what;
    EXPECT_LT(result.seconds, 15) << what;
  }
}

TEST(TaskOnAThread, ThatCallsExitIsNoSuccessOfTheRun) {
  const TempDir dir;
  const std::string jobs_bin = Batch().load(test_module("hostile")).call("exits_with_0", {}).pack(dir);
  const JobResult result =
      run_parrun(0, {"--no-record", "--isolation", "none", "--load", test_module("hostile"), jobs_bin});
  EXPECT_EQ(result.exit_code, 3) << result.err;
}

TEST(Summary, IsTheLastLineAlsoWhereResultsGoToTheSamePlace) {
  const TempDir dir;
  const std::string jobs_bin = Batch().command("echo result").pack(dir);
  for (int round = 0; round < 10; ++round) {
    const std::string all = dir.file("all");
    const std::string line = std::string(PARRUN_BINARY) + " --no-record " + jobs_bin + " > " + all + " 2>&1";
    ASSERT_EQ(std::system(line.c_str()), 0);
    EXPECT_THAT(read_bytes(all), StartsWith("result\nparrun: 1 task: 1 succeeded")) << round;
  }
}

}  // namespace
}  // namespace parrun::test
