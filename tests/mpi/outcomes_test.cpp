// What becomes of tasks that fail, each in its own way, and of those that do not; and the order of results.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "support/batch.hpp"
#include "support/outcomes.hpp"
#include "support/run_parrun.hpp"
#include "support/temp_dir.hpp"

namespace parrun::test {
namespace {

TEST(Outcome, ATaskThatForksAndReturnsTwiceCountsOnce) {
  Batch batch;
  for (int i = 0; i < 3; ++i) batch.call("fork_returns").call("echo", {std::to_string(i)});
  const Outcomes run = run_jsonl(batch, 2, {"--timeout", "10"});
  EXPECT_EQ(run.result.exit_code, 0) << run.result.err;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(run.by_task.at(2 * i)["value"], 1);
    EXPECT_EQ(run.by_task.at(2 * i + 1)["value"], std::to_string(i));
  }
}

TEST(Outcome, DescriptorsThatATaskClosedOrReplacedHarmNoOther) {
  const TempDir dir;
  const std::string file = dir.write("precious", "content");
  Batch batch;
  batch.call("opens_in_their_place", {file}).command("echo first");
  batch.call("replaces_stdout", {dir.file("log")}).command("echo second");
  batch.call("ignores_its_childrens_ends").command("echo third");
  const Outcomes run = run_jsonl(batch, 2, {"--timeout", "10"});
  EXPECT_EQ(run.result.exit_code, 0) << run.result.err;
  EXPECT_EQ(run.by_task.at(1)["stdout"], "first\n");
  EXPECT_EQ(run.by_task.at(3)["stdout"], "second\n");
  EXPECT_EQ(run.by_task.at(5)["stdout"], "third\n");
  EXPECT_EQ(std::filesystem::file_size(file), 7U);
}

TEST(Outcome, TheWayOfALargeResultIsNotCountedAgainstItsTask) {
  const TempDir dir;
  const Batch batch = Batch().command("head -c 200000000 /dev/zero");
  const JobResult result = run_parrun(2, batch.run_args(batch.pack(dir), {"--timeout", "2"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out.size(), 200000000U);
}

TEST(Outcome, ABackgroundWriterDoesNotKeepItsCommandFromEnding) {
  const TempDir dir;
  const Batch batch = Batch().command("yes & sleep 0.1; exit 0").command("echo next");
  const JobResult result = run_parrun(0, batch.run_args(batch.pack(dir), {"--timeout", "30"}));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(result.out.ends_with("next\n"));
}

TEST(Outcome, WhatATaskWroteBeforeItsCrashIsKept) {
  const Outcomes run =
      run_jsonl(Batch().command("echo before; kill -SEGV $$").call("prints", {"text", false}));
  EXPECT_EQ(run.by_task.at(0)["stdout"], "before\n");
  EXPECT_EQ(run.by_task.at(1)["stdout"], "text");
}

TEST(Outcome, CommandsGetTheirStdinEnvironmentAndFolder) {
  Batch batch;
  batch.command("cat; pwd; echo $NAME")
      .with("stdin", "typed\n")
      .with("env", {{"NAME", "value"}})
      .with("cwd", "/usr");
  const Outcomes run = run_jsonl(batch);
  EXPECT_EQ(run.by_task.at(0)["stdout"], "typed\n/usr\nvalue\n");
}

TEST(Outcome, LargePayloadsAndResultsArriveWhole) {
  const TempDir dir;
  const std::string data(20 << 20, 'p');
  const Batch batch = Batch().call("echo", {data}).call("big", {64 << 20});
  const JobResult result = run_parrun(2, batch.run_args(batch.pack(dir)));
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(result.out.starts_with('"' + data + "\"\n"));  // not EXPECT_EQ, which would print it
  EXPECT_EQ(result.out.size(), data.size() + (std::size_t{64} << 20) + 2 * 3);
}

TEST(Outcome, OutputThatIsNotUtf8IsStillJson) {
  const Outcomes run = run_jsonl(Batch().call("not_utf8").command("printf '\\377'"));
  EXPECT_EQ(run.result.exit_code, 0);
  EXPECT_EQ(run.by_task.size(), 2U);
}

TEST(Outcome, AFailedTaskIsTriedAgainAsOftenAsAllowed) {
  const TempDir dir;
  const std::string file = dir.file("tries");
  Batch batch;
  batch.command("echo x >> " + file + "; test $(wc -l < " + file + ") -ge 3").command("false");
  const Outcomes run = run_jsonl(batch, 2, {"--retries", "2"});
  EXPECT_EQ(run.by_task.at(0)["state"], "succeeded");
  EXPECT_EQ(run.by_task.at(0)["attempt"], 3);
  EXPECT_EQ(run.by_task.at(1)["attempt"], 3);
  EXPECT_EQ(run.result.exit_code, 1);
}

TEST(Outcome, CommandsAndFunctionsMixInOneBatchOnThreadsToo) {
  Batch batch;
  for (int i = 0; i < 50; ++i) batch.call("echo", {std::to_string(i)}).command("echo " + std::to_string(i));
  const Outcomes run = run_jsonl(batch, 3, {"--isolation", "none"});
  EXPECT_EQ(run.result.exit_code, 0) << run.result.err;
  EXPECT_EQ(run.by_task.size(), 100U);
}

TEST(Outcome, OfThousandsOfShortTasksNoneIsMissingOrDoubled) {
  Batch batch;
  for (int i = 0; i < 20000; ++i) batch.call("echo", {std::to_string(i)});
  const Outcomes run = run_jsonl(batch, 4);
  EXPECT_EQ(run.result.exit_code, 0);
  ASSERT_EQ(run.by_task.size(), 20000U);
  for (const auto& [task, object] : run.by_task) EXPECT_EQ(object["value"], std::to_string(task));
}

// Order.

TEST(Order, OfCompletionGivesAFastLastTaskBeforeASlowFirstOne) {
  const TempDir dir;
  const Batch batch = Batch().command("sleep 1; echo slow").command("echo fast");
  EXPECT_EQ(run_parrun(3, batch.run_args(batch.pack(dir))).out, "fast\nslow\n");
}

TEST(Order, OfSubmissionIsThatOfTheBatch) {
  const TempDir dir;
  Batch batch;
  std::string expected;
  for (int i = 0; i < 40; ++i) {
    batch.command("sleep 0.0" + std::to_string(9 - i % 10) + "; echo " + std::to_string(i));
    expected += std::to_string(i) + "\n";
  }
  EXPECT_EQ(run_parrun(4, batch.run_args(batch.pack(dir), {"--order", "submission"})).out, expected);
}

TEST(Order, ATasksOutputIsKeptTogether) {
  const TempDir dir;
  Batch batch;
  for (int i = 0; i < 8; ++i)
    batch.command("for k in 1 2 3; do echo " + std::to_string(i) + "; sleep 0.02; done");
  std::istringstream lines(run_parrun(5, batch.run_args(batch.pack(dir))).out);
  for (std::string first, second, third; std::getline(lines, first);) {
    std::getline(lines, second);
    std::getline(lines, third);
    EXPECT_EQ(first, second);
    EXPECT_EQ(first, third);
  }
}

// Sizes.

class Size : public ::testing::TestWithParam<std::pair<int, int>> {};
INSTANTIATE_TEST_SUITE_P(RanksAndTasks, Size,
                         ::testing::Values(std::pair{0, 0}, std::pair{0, 5}, std::pair{2, 0}, std::pair{2, 1},
                                           std::pair{8, 1}, std::pair{8, 3}, std::pair{8, 500},
                                           std::pair{1, 5}),
                         [](const auto& size) {
                           return std::to_string(size.param.first) + "with" +
                                  std::to_string(size.param.second);
                         });

TEST_P(Size, EveryTaskIsDoneOnce) {
  const auto [ranks, tasks] = GetParam();
  Batch batch;
  for (int i = 0; i < tasks; ++i) batch.call("echo", {std::to_string(i)});
  const Outcomes run = run_jsonl(batch, ranks);
  EXPECT_EQ(run.result.exit_code, 0) << run.result.err;
  EXPECT_EQ(run.by_task.size(), static_cast<std::size_t>(tasks));
}

}  // namespace
}  // namespace parrun::test
