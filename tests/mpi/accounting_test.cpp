// What an attempt is said to have used, with all its processes, and where it ran.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

#include "support/harm.hpp"

namespace parrun::test {
namespace {

constexpr long kMegabyte_kb = 1024;

double cpu_of(const nlohmann::json& attempt) {
  return attempt["user_s"].get<double>() + attempt["system_s"].get<double>();
}

long peak_of(const Outcomes& run, int task) { return run.by_task.at(task)["max_rss_kb"].get<long>(); }

TEST(Accounting, OfCpuTimeCountsGrandchildrenAndEachTaskForItself) {
  Batch batch = harm_batch();
  batch.call("grandchild_computes", {0.5}).call("nothing");
  // Its child's child is ended by the kernel after a second of CPU time.
  batch.command("sh -c 'sh -c \"ulimit -c 0; ulimit -t 1; while :; do :; done\"; true'; true")
      .command("true");
  batch.call("busy", {300}).call("sleeps", {0.3});
  const Outcomes run = run_jsonl(batch, 2, {"--timeout", "30"});
  EXPECT_EQ(run.result.exit_code, 0) << run.result.out;
  EXPECT_GE(cpu_of(run.by_task.at(0)), 0.49);
  EXPECT_LE(cpu_of(run.by_task.at(0)), 0.8);
  EXPECT_GE(cpu_of(run.by_task.at(2)), 0.6) << "the kernel's limit counts whole ticks";
  EXPECT_LE(cpu_of(run.by_task.at(2)), 1.5);
  EXPECT_GE(cpu_of(run.by_task.at(4)), 0.05) << "300 ms of wall time on a busy machine";
  for (const int idle : {1, 3, 5}) EXPECT_LE(cpu_of(run.by_task.at(idle)), 0.1) << "task " << idle;
  EXPECT_GE(run.by_task.at(5)["elapsed_s"], 0.3);
  EXPECT_LE(run.by_task.at(5)["elapsed_s"], 1.3);
}

TEST(Accounting, OfCpuTimeIsThereForAttemptsThatWereKilled) {
  Batch batch = harm_batch();
  batch.call("spins").command("while :; do :; done").call("children_spin", {2}).command("sleep 1000");
  const Outcomes run = run_jsonl(batch, 2, {"--timeout", "1", "--on-timeout", "kill"});
  EXPECT_EQ(count_state(run, "timed_out"), 4) << run.result.out;
  for (const int task : {0, 1, 2}) {
    EXPECT_GE(run.by_task.at(task)["user_s"], 0.05) << run.by_task.at(task);
    EXPECT_LE(cpu_of(run.by_task.at(task)), 2.6) << run.by_task.at(task);
  }
  EXPECT_LE(cpu_of(run.by_task.at(3)), 0.2);
  for (const auto& [task, outcome] : run.by_task) {
    EXPECT_GE(outcome["elapsed_s"], 1.0);
    EXPECT_LE(outcome["elapsed_s"], 2.5);
  }
}

TEST(Accounting, OfMemoryIsThePeakOfEachTaskForItself) {
  Batch batch = harm_batch();
  batch.call("nothing").call("allocates", {200, 0}).call("nothing");
  batch.command("sh -c 'dd if=/dev/zero of=/dev/null bs=100M count=1 2>/dev/null; true'; true")
      .command("true");
  batch.call("children_allocate", {1, 100}).with("timeout", 10).with("memory_limit", "90M").call("nothing");
  const Outcomes run = run_jsonl(batch, 2, {"--on-timeout", "kill"});
  EXPECT_GE(peak_of(run, 1), 200 * kMegabyte_kb);
  EXPECT_LE(peak_of(run, 1), 280 * kMegabyte_kb);
  EXPECT_GE(peak_of(run, 3), 100 * kMegabyte_kb);
  EXPECT_LE(peak_of(run, 3), 160 * kMegabyte_kb);
  EXPECT_GE(peak_of(run, 5), 80 * kMegabyte_kb) << run.by_task.at(5);
  for (const int small : {0, 2, 4, 6}) EXPECT_LE(peak_of(run, small), 60 * kMegabyte_kb) << "task " << small;
  for (const int small : {0, 2, 4, 6}) EXPECT_GE(peak_of(run, small), 500) << "task " << small;
}

TEST(Accounting, SaysWhereAndHowEachAttemptEnded) {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  Batch batch;
  batch.command("exit 3").command("kill -USR1 $$").command("true").call("segfaults").call("throws_int");
  const Outcomes run = run_jsonl(batch, 3);
  const std::array<std::pair<int, int>, 5> expected{{{3, 0}, {138, 10}, {0, 0}, {139, 11}, {1, 0}}};
  for (int task = 0; task < 5; ++task) {
    const auto& outcome = run.by_task.at(task);
    const auto [exit_code, signal] = expected[static_cast<std::size_t>(task)];
    EXPECT_EQ(outcome["exit_code"], exit_code) << outcome;
    EXPECT_EQ(outcome["signal"], signal) << outcome;
    EXPECT_EQ(outcome["host"], host.data());
    EXPECT_GE(outcome["rank"], 1);
    EXPECT_LE(outcome["rank"], 2);
    EXPECT_GT(outcome["elapsed_s"], 0.0);
    EXPECT_LE(outcome["elapsed_s"], 2.0);
  }
}

}  // namespace
}  // namespace parrun::test
