// Tasks that are ended by their limit alone (--on-timeout kill), and tasks that are tried again (--retries).

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "support/harm.hpp"

namespace parrun::test {
namespace {

using ::testing::HasSubstr;

// The limit of a task alone.

// So many different numbers below `end`.
std::set<int> positions(int count, int end, unsigned seed) {
  std::vector<int> all(static_cast<std::size_t>(end));
  std::iota(all.begin(), all.end(), 0);
  std::shuffle(all.begin(), all.end(), std::mt19937(seed));
  return {all.begin(), all.begin() + count};
}

void add_endless(Batch& batch, int kind) {
  switch (kind % 4) {
    case 0:
      batch.call("spins");
      return;
    case 1:
      batch.command("sleep 1000");
      return;
    case 2:
      batch.command("setsid sh -c 'trap \"\" TERM; sleep 1000' & sleep 1000");
      return;
    default:
      batch.call("leaves_grandchild", {true});
  }
}

TEST(EndlessTasks, FiftyOfAThousandEndAloneAndTakeNoMoreThanTheirShareOfTheTime) {
  constexpr int kTasks = 1000;
  constexpr int kEndless = 50;
  const std::set<int> endless = positions(kEndless, kTasks, 3);
  Batch batch;
  int kind = 0;
  for (int i = 0; i < kTasks; ++i) {
    endless.contains(i) ? add_endless(batch, kind++) : void(batch.call("echo", {std::to_string(i)}));
  }
  const Outcomes run = run_jsonl(batch, 8, {"--timeout", "1", "--on-timeout", "kill"});
  EXPECT_EQ(run.result.exit_code, 1) << run.result.err;
  ASSERT_EQ(run.by_task.size(), std::size_t{kTasks});
  for (const auto& [task, outcome] : run.by_task) {
    if (endless.contains(task)) {
      EXPECT_EQ(outcome["state"], "timed_out") << outcome;
      EXPECT_EQ(outcome["error"], "reached its limit of 1.0 s");
      EXPECT_GE(outcome["elapsed_s"].get<double>(), 1.0);
    } else {
      EXPECT_EQ(outcome["state"], "succeeded") << outcome;
      EXPECT_EQ(outcome["value"], std::to_string(task));
    }
  }
  EXPECT_THAT(run.result.err, HasSubstr("1000 tasks: 950 succeeded, 50 timed_out"));
  constexpr double kShare_s = kEndless * 1.0 / 7;
  EXPECT_GE(run.result.seconds, kShare_s);
  EXPECT_LE(run.result.seconds, kShare_s + 8);  // 2 cores, and the start of 8 ranks on them
}

// Retries.

// All attempts of a task, the last one too.
std::vector<nlohmann::json> attempts(const nlohmann::json& outcome) {
  std::vector<nlohmann::json> all;
  if (outcome.contains("earlier")) all = outcome["earlier"].get<std::vector<nlohmann::json>>();
  all.push_back(outcome);
  return all;
}

TEST(Retry, GivesUpATaskThatKillsItsExecutorEachTimeAndKeepsTheRecord) {
  Batch batch;
  batch.call("raises", {SIGKILL});
  for (int i = 0; i < 200; ++i) batch.call("echo", {std::to_string(i)});
  const Outcomes run = run_jsonl(batch, 3, {"--retries", "3"});
  EXPECT_EQ(run.result.exit_code, 1) << run.result.err;
  EXPECT_EQ(count_state(run, "succeeded"), 200);
  const auto tried = attempts(run.by_task.at(0));
  ASSERT_EQ(tried.size(), 4U);
  for (std::size_t i = 0; i < tried.size(); ++i) {
    EXPECT_EQ(tried[i]["attempt"], i + 1);
    EXPECT_EQ(tried[i]["state"], "failed");
    EXPECT_EQ(tried[i]["signal"], SIGKILL);
    EXPECT_EQ(tried[i]["error"], "killed by signal 9 (SIGKILL)");
    EXPECT_FALSE(tried[i]["host"].get<std::string>().empty());
    if (i == 0) continue;
    EXPECT_NE(tried[i]["rank"], tried[i - 1]["rank"]) << "there is another rank";
    EXPECT_GE(tried[i]["started"], end_of(tried[i - 1]) - 0.005);
  }
}

TEST(Retry, LeavesAllWorkersAtWorkHoweverManyExecutorsAreKilled) {
  Batch batch;
  for (int i = 0; i < 10; ++i) batch.call("raises", {SIGKILL});
  for (int i = 0; i < 200; ++i) batch.call("sleeps", {0.005});
  const Outcomes run = run_jsonl(batch, 3, {"--retries", "2"});
  EXPECT_EQ(count_state(run, "succeeded"), 200);
  std::map<int, int> done_by;
  for (const auto& [task, outcome] : run.by_task) {
    EXPECT_EQ(attempts(outcome).size(), task < 10 ? 3U : 1U);
    if (task >= 10) ++done_by[outcome["rank"].get<int>()];
  }
  EXPECT_GE(done_by[1], 20);  // of 200
  EXPECT_GE(done_by[2], 20);
}

TEST(Retry, IsOnTheSameRankWhereThereIsNoOther) {
  const Outcomes run = run_jsonl(Batch().call("segfaults"), 2, {"--retries", "2"});
  EXPECT_EQ(run.by_task.at(0)["attempt"], 3);
  for (const auto& attempt : attempts(run.by_task.at(0))) EXPECT_EQ(attempt["rank"], 1);
}

TEST(Retry, AsOftenAsTheTaskSaysItself) {
  Batch batch;
  batch.command("exit 1").with("retries", 0).command("exit 1").with("retries", 4).command("exit 1");
  const Outcomes run = run_jsonl(batch, 3, {"--retries", "1"});
  EXPECT_EQ(run.by_task.at(0)["attempt"], 1);
  EXPECT_FALSE(run.by_task.at(0).contains("earlier"));
  EXPECT_EQ(run.by_task.at(1)["attempt"], 5);
  EXPECT_EQ(attempts(run.by_task.at(1)).size(), 5U);
  EXPECT_EQ(run.by_task.at(2)["attempt"], 2);
}

TEST(Retry, OfATimedOutTaskMaySucceed) {
  Batch batch;
  batch.command("[ $PARRUN_ATTEMPT = 2 ] || sleep 1000; echo done").call("spins");
  const Outcomes run = run_jsonl(batch, 3, {"--retries", "1", "--timeout", "0.5", "--on-timeout", "kill"});
  EXPECT_EQ(run.result.exit_code, 1);
  const auto tried = attempts(run.by_task.at(0));
  ASSERT_EQ(tried.size(), 2U);
  EXPECT_EQ(tried[0]["state"], "timed_out");
  EXPECT_EQ(tried[1]["state"], "succeeded");
  EXPECT_EQ(tried[1]["stdout"], "done\n");
  EXPECT_NE(tried[0]["rank"], tried[1]["rank"]);
  for (const auto& attempt : attempts(run.by_task.at(1))) EXPECT_EQ(attempt["state"], "timed_out");
  EXPECT_EQ(run.by_task.at(1)["attempt"], 2);
}

TEST(Retry, WaitsForItsDelayWhileOthersRun) {
  Batch batch;
  batch.command("exit 1").call("segfaults");
  for (int i = 0; i < 20; ++i) batch.call("echo", {"meanwhile"});
  const Outcomes run = run_jsonl(batch, 3, {"--retries", "2", "--retry-delay", "500ms"});
  double first_retry = 0;
  for (const int task : {0, 1}) {
    const auto tried = attempts(run.by_task.at(task));
    ASSERT_EQ(tried.size(), 3U);
    for (std::size_t i = 1; i < tried.size(); ++i) {
      const double gap = tried[i]["started"].get<double>() - end_of(tried[i - 1]);
      EXPECT_GE(gap, 0.5 - 0.005) << "a clock may be set";
      EXPECT_LE(gap, 3);
    }
    first_retry = tried[1]["started"].get<double>();
  }
  for (int task = 2; task < 22; ++task) EXPECT_LT(run.by_task.at(task)["started"], first_retry);
}

}  // namespace
}  // namespace parrun::test
