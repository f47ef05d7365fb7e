// The place that each task gets: nothing of the runner's or of MPI's in it, and nothing of the task before.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "support/harm.hpp"

namespace parrun::test {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// What a task is told.

using Variables = std::map<std::string, std::string>;

Variables parse_variables(const std::vector<std::string>& lines) {
  Variables variables;
  for (const std::string& line : lines) {
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) variables[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return variables;
}

void expect_variables_of(const nlohmann::json& outcome, const Variables& variables) {
  EXPECT_EQ(variables.at("PARRUN_TASK_INDEX"), std::to_string(outcome["task"].get<int>()));
  EXPECT_EQ(variables.at("PARRUN_ATTEMPT"), std::to_string(outcome["attempt"].get<int>()));
  EXPECT_EQ(variables.at("PARRUN_RANK"), std::to_string(outcome["rank"].get<int>()));
  EXPECT_EQ(variables.at("PARRUN_RANKS"), "3");
  EXPECT_TRUE(variables.contains("PATH"));
  for (const auto& [name, value] : variables) {
    for (const std::string_view launcher : {"OMPI_", "PMIX_", "PMI_"}) {
      EXPECT_FALSE(name.starts_with(launcher)) << name << '=' << value;
    }
  }
}

TEST(Environment, TellsATaskWhoItIsAndNothingOfMpi) {
  Batch batch = harm_batch();
  for (int i = 0; i < 6; ++i) batch.command("env").call("environment");
  batch.command("env; [ $PARRUN_ATTEMPT = 3 ]").with("retries", 2);
  const Outcomes run = run_jsonl(batch);
  EXPECT_EQ(run.result.exit_code, 0) << run.result.err;
  for (const auto& [task, outcome] : run.by_task) {
    const bool is_call = !outcome["value"].is_null();
    expect_variables_of(outcome, parse_variables(is_call ? outcome["value"].get<std::vector<std::string>>()
                                                         : lines_of(outcome["stdout"])));
  }
  EXPECT_EQ(run.by_task.at(12)["attempt"], 3);
}

// mpirun and each rank are started by a shell that ignores signals and has descriptors open.
Job start_from_a_careless_shell(const Batch& batch, const TempDir& dir) {
  const std::vector<std::string> shell{
      "sh", "-c", "trap '' PIPE USR1 USR2 QUIT ALRM; exec 7</dev/null 8</dev/null; exec \"$@\"", "sh"};
  std::vector<std::string> argv = parrun_argv(3, batch.run_args(batch.pack(dir), {"--format", "jsonl"}));
  argv.insert(argv.begin() + 3, shell.begin(), shell.end());  // behind mpirun -n 3
  argv.insert(argv.begin(), shell.begin(), shell.end());
  return Job(argv, with_mpi_environment({}));
}

// Of /proc/PID/status: the signals that are blocked or ignored. glibc's posix_spawn has 32 and 33 ignored,
// which are its own.
void expect_no_signal_held(const std::string& status) {
  int seen = 0;
  for (const std::string& line : lines_of(status)) {
    if (!line.starts_with("SigBlk:") && !line.starts_with("SigIgn:")) continue;
    ++seen;
    constexpr unsigned long kOfGlibc = 3UL << 31;
    EXPECT_EQ(std::stoul(line.substr(8), nullptr, 16) & ~kOfGlibc, 0U) << line;
  }
  EXPECT_EQ(seen, 2);
}

TEST(Place, HasDefaultSignalsAGroupOfItsOwnAndNoDescriptorOfTheRunners) {
  const TempDir dir;
  Batch batch = harm_batch();
  batch.command("exec cat /proc/self/status").call("signals_not_default");
  batch.call("runs_a_command", {"exec cat /proc/self/status"});
  batch.command("exec ls /proc/self/fd").call("runs_a_command", {"exec ls /proc/self/fd"});
  batch.command("echo $$; cut -d ' ' -f 5 /proc/$$/stat").call("leads_its_group");
  Job job = start_from_a_careless_shell(batch, dir);
  const Outcomes run = parse_outcomes(job.wait(30s));
  job.expect_nothing_left();
  ASSERT_EQ(run.result.exit_code, 0) << run.result.err;
  expect_no_signal_held(stdout_of(run, 0));
  EXPECT_EQ(run.by_task.at(1)["value"], nlohmann::json::array());
  expect_no_signal_held(stdout_of(run, 2));
  EXPECT_EQ(stdout_of(run, 3), "0\n1\n2\n3\n") << "3 is that of ls itself";
  EXPECT_EQ(stdout_of(run, 4), "0\n1\n2\n3\n");
  const auto ids = lines_of(stdout_of(run, 5));
  ASSERT_EQ(ids.size(), 2U);
  EXPECT_EQ(ids[0], ids[1]) << "its process group is not its own";
  EXPECT_EQ(run.by_task.at(6)["value"], true);
}

TEST(Place, LetsAnMpiProgramStartAsAJobOfItsOwn) {
  const TempDir dir;
  const std::string inner = Batch().command("echo $PARRUN_RANK of $PARRUN_RANKS").pack(dir, "inner.bin");
  const Outcomes run = run_jsonl(Batch().argv({PARRUN_BINARY, inner}), 3, {"--timeout", "30"});
  EXPECT_EQ(run.result.exit_code, 0) << run.result.out;
  EXPECT_EQ(stdout_of(run, 0), "0 of 1\n");
}

// What a task leaves.

// One worker. Each part of the state as a fresh process has it; then each is changed by one task and looked
// at by the next.
TEST(Leftover, OfAFunctionNeverReachesTheNextTask) {
  const Outcomes names = run_jsonl(harm_batch().call("state_parts"), 0);
  const auto parts = names.by_task.at(0)["value"].get<std::vector<std::string>>();
  ASSERT_GE(parts.size(), 20U);
  Batch batch = harm_batch();
  for (const std::string& part : parts) batch.call("finds", {part});
  for (const std::string& part : parts) batch.call("leaves_changed", {part}).call("finds", {part});
  const Outcomes run = run_jsonl(batch, 2, {"--timeout", "20"});
  EXPECT_EQ(run.result.exit_code, 0) << run.result.err;
  const int count = static_cast<int>(parts.size());
  ASSERT_EQ(run.by_task.size(), 3 * parts.size());
  for (int i = 0; i < count; ++i) {
    const auto& clean = run.by_task.at(i)["value"];
    const auto& left = run.by_task.at(count + 2 * i)["value"];
    const auto& found = run.by_task.at(count + 2 * i + 1)["value"];
    const std::string& part = parts[static_cast<std::size_t>(i)];
    EXPECT_NE(left, clean) << part << ": the task that should leave it changed did not";
    EXPECT_EQ(found, clean) << part;
  }
}

// The same as commands meet it: they inherit from the process in which functions were called.
TEST(Leftover, OfAFunctionNeverReachesTheNextCommand) {
  const std::string look =
      "pwd; umask; echo $HOME $LEFTOVER $PATH; nice; ls /proc/self/fd; readlink /proc/self/fd/0; "
      "cat /proc/self/limits; grep -E 'Sig(Blk|Ign)|Threads' /proc/self/status";
  const Outcomes names = run_jsonl(harm_batch().call("state_parts"), 0);
  const auto parts = names.by_task.at(0)["value"].get<std::vector<std::string>>();
  Batch batch = harm_batch().command(look);
  for (const std::string& part : parts) batch.call("leaves_changed", {part}).command(look);
  const Outcomes run = run_jsonl(batch, 2, {"--timeout", "20"});
  EXPECT_EQ(run.result.exit_code, 0) << run.result.err;
  int task = 2;
  for (const std::string& part : parts) {
    EXPECT_EQ(stdout_of(run, task), stdout_of(run, 0)) << part;
    task += 2;
  }
}

TEST(Leftover, ThreadThatCrashesLaterHarmsNoOtherTask) {
  Batch batch = harm_batch();
  for (int i = 0; i < 2; ++i) batch.call("leaves_crashing_thread", {0.3}).call("sleeps", {0.6});
  const Outcomes run = run_jsonl(batch, 2, {"--timeout", "20"});
  EXPECT_EQ(run.result.exit_code, 0) << run.result.out;
}

TEST(Leftover, MemoryThatLeakedIsNotCountedAgainstTheNextTask) {
  Batch batch = harm_batch();
  batch.call("leaks", {300}).call("echo", {"small"}).with("memory_limit", "100M");
  const Outcomes run = run_jsonl(batch, 2, {"--timeout", "20"});
  EXPECT_EQ(run.result.exit_code, 0) << run.result.out;
  EXPECT_GE(run.by_task.at(0)["max_rss_kb"], 300 << 10);
  EXPECT_LE(run.by_task.at(1)["max_rss_kb"], 100 << 10);
}

}  // namespace
}  // namespace parrun::test
