// What runs with the sanitizers too: a batch of everything that can go wrong, end to end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/batch.hpp"
#include "support/outcomes.hpp"

namespace parrun::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(EveryOutcome, EachFailureIsItsTasksOwn) {
  Batch batch;
  batch.command("exit 3").command("kill -9 $$").command("echo out; echo err >&2");
  batch.argv({"/no/such/program"}).command("true").with("cwd", "/no/such/folder");
  batch.call("throws_derived", {"diverged"})
      .call("throws_int")
      .call("exits", {4})
      .call("exits", {0})
      .call("aborts");
  batch.call("segfaults").call("echo", {"fine"}).call("nothing");
  const Outcomes run = run_jsonl(batch);
  EXPECT_EQ(run.result.exit_code, 1);
  ASSERT_EQ(run.by_task.size(), 13U);
  EXPECT_EQ(run.by_task.at(0)["exit_code"], 3);
  EXPECT_EQ(error_of(run, 0), "exit code 3");
  EXPECT_EQ(run.by_task.at(1)["signal"], 9);
  EXPECT_THAT(error_of(run, 1), HasSubstr("SIGKILL"));
  EXPECT_EQ(run.by_task.at(2)["stdout"], "out\n");
  EXPECT_EQ(run.by_task.at(2)["stderr"], "err\n");
  EXPECT_EQ(run.by_task.at(2)["state"], "succeeded");
  EXPECT_THAT(error_of(run, 3), HasSubstr("cannot start '/no/such/program': No such file"));
  EXPECT_THAT(error_of(run, 4), HasSubstr("cannot start in the directory '/no/such/folder'"));
  EXPECT_THAT(error_of(run, 5), AllOf(HasSubstr("SolverDiverged"), HasSubstr("diverged")));
  EXPECT_THAT(error_of(run, 6), AllOf(HasSubstr("int"), HasSubstr("no std::exception")));
  EXPECT_EQ(error_of(run, 7), "the task called exit(4)");
  EXPECT_EQ(error_of(run, 8), "the task called exit(0)");
  EXPECT_EQ(run.by_task.at(8)["state"], "failed");
  EXPECT_THAT(error_of(run, 9), HasSubstr("SIGABRT"));
  EXPECT_EQ(run.by_task.at(10)["state"], "failed");
  EXPECT_EQ(run.by_task.at(11)["value"], "fine");
  EXPECT_TRUE(run.by_task.at(12)["value"].is_null());
}

TEST(EveryOutcome, EveryFieldOfTheContractIsThere) {
  const Outcomes run = run_jsonl(Batch().command("true").with("label", "a name"));
  std::vector<std::string> names;
  const auto object = nlohmann::ordered_json::parse(run.result.out);
  for (const auto& [name, value] : object.items()) names.push_back(name);
  EXPECT_THAT(names, ::testing::ElementsAre("task", "label", "state", "attempt", "rank", "host", "started",
                                            "elapsed_s", "user_s", "system_s", "max_rss_kb", "exit_code",
                                            "signal", "error", "stdout", "stderr", "value"));
  EXPECT_EQ(run.by_task.at(0)["label"], "a name");
}

}  // namespace
}  // namespace parrun::test
