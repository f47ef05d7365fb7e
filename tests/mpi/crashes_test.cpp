// Tasks that take their process with them, in every way there is: each is one failed task, and its executor
// is back at once.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/harm.hpp"

namespace parrun::test {
namespace {

using Arguments = std::vector<Batch::Json>;

struct Crash {
  std::string call;  ///< a function; empty: `command`
  Arguments args;
  std::string command;
  int exit_code;
  int signal;
  std::string error;
};

void add(const Crash& crash, Batch& batch) {
  crash.call.empty() ? batch.command(crash.command) : batch.call(crash.call, crash.args);
}

const std::vector<Crash>& crashes() {
  static const std::vector<Crash> all{
      {"segfaults", {}, "", 139, SIGSEGV, "killed by signal 11 (SIGSEGV)"},
      {"raises", {SIGKILL}, "", 137, SIGKILL, "killed by signal 9 (SIGKILL)"},
      {"raises", {SIGTERM}, "", 143, SIGTERM, "killed by signal 15 (SIGTERM)"},
      {"raises", {SIGPIPE}, "", 141, SIGPIPE, "killed by signal 13 (SIGPIPE)"},
      {"raises", {SIGFPE}, "", 136, SIGFPE, "killed by signal 8 (SIGFPE)"},
      {"raises", {SIGSTOP}, "", 147, SIGSTOP, "stopped by signal 19 (SIGSTOP)"},
      {"aborts", {}, "", 134, SIGABRT, "killed by signal 6 (SIGABRT)"},
      {"terminates", {}, "", 134, SIGABRT, "killed by signal 6 (SIGABRT)"},
      {"frees_twice", {}, "", 134, SIGABRT, "killed by signal 6 (SIGABRT)"},
      {"overflows_its_stack", {}, "", 139, SIGSEGV, "killed by signal 11 (SIGSEGV)"},
      {"exits_at_once", {7}, "", 7, 0, "the task called exit(7)"},
      {"exits_at_once", {0}, "", 0, 0, "the task called exit(0)"},
      {"exits", {5}, "", 5, 0, "the task called exit(5)"},
      {"", {}, "kill -SEGV $$", 139, SIGSEGV, "killed by signal 11 (SIGSEGV)"},
      {"", {}, "kill -KILL $$", 137, SIGKILL, "killed by signal 9 (SIGKILL)"},
      {"", {}, "kill -STOP $$", 147, SIGSTOP, "stopped by signal 19 (SIGSTOP)"},
      {"", {}, "kill -TSTP $$", 148, SIGTSTP, "stopped by signal 20 (SIGTSTP)"},
      {"", {}, "exit 9", 9, 0, "exit code 9"},
      // What surrounds the task, not the task alone: its process group, and its executor.
      {"", {}, "kill -KILL 0", 137, SIGKILL, "killed by signal 9 (SIGKILL)"},
      {"", {}, "kill -KILL $PPID; sleep 1000", 137, SIGKILL, "killed by signal 9 (SIGKILL)"},
  };
  return all;
}

TEST(Crash, OfEachKindIsAFailureOfItsTaskAloneAndNamesItsSignal) {
  Batch batch = harm_batch();
  for (const Crash& crash : crashes()) {
    add(crash, batch);
    batch.call("echo", {"fine"});
  }
  const Outcomes run = run_jsonl(batch, 3, {"--timeout", "20"});
  EXPECT_EQ(run.result.exit_code, 1) << run.result.err;
  ASSERT_EQ(run.by_task.size(), 2 * crashes().size());
  int task = 0;
  for (const Crash& crash : crashes()) {
    const auto& outcome = run.by_task.at(task);
    EXPECT_EQ(outcome["state"], "failed") << outcome;
    EXPECT_EQ(outcome["error"], crash.error) << outcome;
    EXPECT_EQ(outcome["exit_code"], crash.exit_code) << outcome;
    EXPECT_EQ(outcome["signal"], crash.signal) << outcome;
    EXPECT_EQ(outcome["attempt"], 1) << outcome;
    EXPECT_EQ(run.by_task.at(task + 1)["value"], "fine") << "behind " << outcome;
    task += 2;
  }
}

// How soon the next task starts.

// One worker: twenty crashes, each between two good tasks.
Outcomes run_with_crashes(const std::string& call, const Arguments& args) {
  Batch batch = Batch().call("echo", {"first"});
  for (int i = 0; i < 20; ++i) batch.call(call, args).call("echo", {"next"});
  Outcomes run = run_jsonl(batch, 2, {"--timeout", "20"});
  EXPECT_EQ(count_state(run, "failed"), 20) << run.result.err;
  EXPECT_EQ(count_state(run, "succeeded"), 21);
  return run;
}

// From the end of the task `before` to the start of the good one behind the crash [s].
double median_gap(const Outcomes& run, int before) {
  std::vector<double> gaps;
  for (int crash = 1; crash < 40; crash += 2) {
    gaps.push_back(run.by_task.at(crash + 1)["started"].get<double>() -
                   end_of(run.by_task.at(crash - 1 + before)));
  }
  std::nth_element(gaps.begin(), gaps.begin() + 10, gaps.end());
  return gaps.at(10);
}
constexpr int kGoodOne = 0;
constexpr int kCrash = 1;

class ExecutorAfter : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Crash, ExecutorAfter,
                         ::testing::Values("segfaults", "aborts", "exits_at_once", "raises"),
                         [](const auto& call) { return std::string(call.param); });

TEST_P(ExecutorAfter, IsBackWithin50Milliseconds) {
  const std::string call = GetParam();
  const Arguments args = call == "raises" ? Arguments{SIGKILL} : Arguments{1};
  const bool has_argument = call == "raises" || call == "exits_at_once";
  const Outcomes run = run_with_crashes(call, has_argument ? args : Arguments{});
  EXPECT_LE(median_gap(run, kGoodOne), 0.050) << "the crash itself included";
}

// That it stopped for good is not seen at once, lest one that its cluster suspends is taken for it.
TEST(ExecutorAfterAStop, IsBackWithin50Milliseconds) {
  const Outcomes run = run_with_crashes("stops_itself", {});
  EXPECT_LE(median_gap(run, kCrash), 0.050);
  EXPECT_LE(median_gap(run, kGoodOne), 0.200) << "the stop and its detection included";
}

}  // namespace
}  // namespace parrun::test
