// What one task may use of memory, CPU time and output, with all its processes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/harm.hpp"

namespace parrun::test {
namespace {

using ::testing::EndsWith;
using ::testing::StartsWith;

void expect_failed(const Outcomes& run, int task, const std::string& error) {
  const auto& outcome = run.by_task.at(task);
  EXPECT_EQ(outcome["state"], "failed") << outcome;
  EXPECT_EQ(outcome["error"], error) << outcome;
}

void expect_succeeded(const Outcomes& run, int task) {
  EXPECT_EQ(state_of(run, task), "succeeded") << run.by_task.at(task);
}

TEST(MemoryLimit, EndsAFunctionAndACommandThatAllocateWithoutEnd) {
  const Batch batch = harm_batch()
                          .call("allocates_without_end")
                          .command("dd if=/dev/zero of=/dev/null bs=2G count=1000000")
                          .call("echo", {"fine"});
  const Outcomes run = run_jsonl(batch, 3, {"--memory-limit", "512M", "--timeout", "20"});
  EXPECT_EQ(run.result.exit_code, 1) << run.result.err;
  expect_failed(run, 0, "exceeded its memory limit of 512 MB");
  expect_failed(run, 1, "exceeded its memory limit of 512 MB");
  expect_succeeded(run, 2);
}

TEST(MemoryLimit, HoldsForAllProcessesOfATaskTogether) {
  // Four of 50 MB each: none of them alone is above the limit.
  const Batch batch =
      harm_batch()
          .call("children_allocate", {4, 50})
          .command("for i in 1 2 3 4; do dd if=/dev/zero of=/dev/null bs=50M count=1000000 & done; wait");
  const Outcomes run = run_jsonl(batch, 2, {"--memory-limit", "128M", "--timeout", "20"});
  expect_failed(run, 0, "exceeded its memory limit of 128 MB");
  expect_failed(run, 1, "exceeded its memory limit of 128 MB");
}

TEST(MemoryLimit, DoesNotHitATaskBelowIt) {
  Batch batch = harm_batch();
  batch.call("allocates", {100, 0.3}).command("dd if=/dev/zero of=/dev/null bs=100M count=10");
  batch.command("for i in 1 2; do dd if=/dev/zero of=/dev/null bs=30M count=10 & done; wait")
      .with("memory_limit", "128M");
  const Outcomes run = run_jsonl(batch, 3, {"--memory-limit", "512M"});
  EXPECT_EQ(run.result.exit_code, 0) << run.result.out;
}

TEST(MemoryLimit, OfTheTaskItselfComesBeforeTheRuns) {
  Batch batch = harm_batch();
  batch.call("allocates", {100, 5}).with("memory_limit", "32M");
  batch.call("allocates", {100, 5}).with("memory_limit", 48 << 20);
  batch.call("allocates", {100, 0.3}).with("memory_limit", "200M");
  const Outcomes run = run_jsonl(batch, 2, {"--memory-limit", "64M"});
  expect_failed(run, 0, "exceeded its memory limit of 32 MB");
  expect_failed(run, 1, "exceeded its memory limit of 48 MB");
  expect_succeeded(run, 2);
}

TEST(MemoryLimit, InTheBatchAloneIsEnough) {
  Batch batch = harm_batch();
  batch.call("allocates_without_end").with("memory_limit", "64M").call("allocates", {100, 0.2});
  const Outcomes run = run_jsonl(batch, 2, {"--timeout", "20"});
  expect_failed(run, 0, "exceeded its memory limit of 64 MB");
  expect_succeeded(run, 1);
}

TEST(CpuLimit, EndsATaskThatComputesForTooLongInOneProcessOrMore) {
  Batch batch = harm_batch();
  batch.call("spins").call("children_spin", {2}).command("while :; do :; done");
  batch.call("spins").with("cpu_limit", "300ms");
  batch.call("sleeps", {1.2});
  const Outcomes run = run_jsonl(batch, 2, {"--cpu-limit", "1", "--timeout", "20"});
  for (const int task : {0, 1, 2}) {
    expect_failed(run, task, "exceeded its CPU time limit of 1.0 s");
    const auto& outcome = run.by_task.at(task);
    const double used_s = outcome["user_s"].get<double>() + outcome["system_s"].get<double>();
    EXPECT_GE(used_s, 0.9) << outcome;
    EXPECT_LE(used_s, 1.6) << outcome;
  }
  expect_failed(run, 3, "exceeded its CPU time limit of 0.3 s");
  expect_succeeded(run, 4);  // it takes longer, but does not compute
}

TEST(CpuLimit, CountsEachTaskForItself) {
  Batch batch;
  for (int i = 0; i < 5; ++i) batch.call("busy", {250});
  const Outcomes run = run_jsonl(batch, 2, {"--cpu-limit", "1"});
  EXPECT_EQ(run.result.exit_code, 0) << run.result.out;
}

// Output.

const std::string kCutAt1K = "\n[parrun: cut here, at the output limit of 1.0 KB]\n";

TEST(OutputLimit, KeepsTheBeginningOfWhatACommandWritesAndMarksTheCut) {
  Batch batch;
  batch.command("head -c 100000000 /dev/zero | tr '\\0' x");
  batch.command("head -c 100000000 /dev/zero | tr '\\0' y >&2; echo end");
  batch.command("head -c 1024 /dev/zero | tr '\\0' z");
  batch.command("head -c 5000 /dev/zero | tr '\\0' w").with("output_limit", "2K");
  const Outcomes run = run_jsonl(batch, 2, {"--output-limit", "1K"});
  EXPECT_EQ(run.result.exit_code, 0) << run.result.err;  // to write too much is no failure
  ASSERT_LE(run.result.out.size(), 20'000U);  // where it is not, nobody wants to see how it differs
  EXPECT_EQ(stdout_of(run, 0), std::string(1024, 'x') + kCutAt1K);
  EXPECT_EQ(run.by_task.at(1)["stderr"], std::string(1024, 'y') + kCutAt1K);
  EXPECT_EQ(stdout_of(run, 1), "end\n");
  EXPECT_EQ(stdout_of(run, 2), std::string(1024, 'z'));  // as much as is allowed
  EXPECT_EQ(stdout_of(run, 3),
            std::string(2048, 'w') + "\n[parrun: cut here, at the output limit of 2.0 KB]\n");
}

TEST(OutputLimit, HoldsForAFunctionThatPrintsUntilItsTimeout) {
  const Batch batch = harm_batch().call("prints_without_end").call("echo", {"next"});
  const Outcomes run =
      run_jsonl(batch, 2, {"--output-limit", "1K", "--timeout", "1", "--on-timeout", "kill"});
  EXPECT_EQ(state_of(run, 0), "timed_out");
  ASSERT_LE(run.result.out.size(), 20'000U);
  EXPECT_THAT(stdout_of(run, 0), StartsWith("xxxxxxxx"));
  EXPECT_THAT(stdout_of(run, 0), EndsWith(kCutAt1K));
  EXPECT_EQ(stdout_of(run, 0).size(), 1024 + kCutAt1K.size());
  expect_succeeded(run, 1);
}

TEST(OutputLimit, BoundsTheMemoryThatAFunctionsOutputTakes) {
  const Batch batch = harm_batch().call("prints_megabytes", {1500});
  const Outcomes run = run_jsonl(batch, 2, {"--output-limit", "1K", "--timeout", "30"});
  expect_succeeded(run, 0);
  EXPECT_LE(run.by_task.at(0)["value"].get<double>(), 500e6) << "bytes held at once, of 1,500 MB written";
}

}  // namespace
}  // namespace parrun::test
