#include "report/printer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace {

using namespace parrun;
using Json = nlohmann::ordered_json;
using ::testing::ElementsAre;

Outcome succeeded() {
  Outcome outcome;
  outcome.task = TaskId(7);
  outcome.rank = Rank(2);
  outcome.host = "node1";
  outcome.stdout_text = "out\n";
  outcome.stderr_text = "err\n";
  return outcome;
}

Outcome failed() {
  Outcome outcome = succeeded();
  outcome.state = State::failed;
  outcome.exit_code = 3;
  outcome.error = "exit code 3";
  return outcome;
}

Json json_of(const Outcome& outcome, const std::string& label = {}) {
  const Printed printed = print(outcome, label, Format::jsonl);
  EXPECT_EQ(printed.err, "");
  EXPECT_EQ(printed.out.find('\n'), printed.out.size() - 1) << "one line";
  return Json::parse(printed.out);
}

TEST(RawPrinter, ShowsACommandsOwnOutput) {
  const Printed printed = print(succeeded(), {}, Format::raw);
  EXPECT_EQ(printed.out, "out\n");
  EXPECT_EQ(printed.err, "err\n");
}

TEST(RawPrinter, ShowsAFunctionsValueBehindItsOutput) {
  Outcome outcome = succeeded();
  outcome.value = "[1,2]";
  outcome.value_is_json = true;
  EXPECT_EQ(print(outcome, {}, Format::raw).out, "out\n[1,2]\n");
}

TEST(RawPrinter, AValueIsALineOfItsOwnWhateverStandsBeforeIt) {
  Outcome outcome = succeeded();
  outcome.value = "[1,2]";
  outcome.value_is_json = true;
  outcome.stdout_text = "no line end";
  EXPECT_EQ(print(outcome, {}, Format::raw).out, "no line end\n[1,2]\n");
  outcome.stdout_text = "";
  EXPECT_EQ(print(outcome, {}, Format::raw).out, "[1,2]\n");
}

TEST(RawPrinter, DoesNotShowAnArchive) {
  Outcome outcome = succeeded();
  outcome.value = std::string("\1\0\2", 3);
  EXPECT_EQ(print(outcome, {}, Format::raw).out, "out\n");
}

TEST(JsonPrinter, HasTheFieldsOfTheContractInTheirOrder) {
  std::vector<std::string> names;
  const Json object = json_of(succeeded());
  for (const auto& [name, value] : object.items()) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("task", "label", "state", "attempt", "rank", "host", "started", "elapsed_s",
                                 "user_s", "system_s", "max_rss_kb", "exit_code", "signal", "error", "stdout",
                                 "stderr", "value"));
}

TEST(JsonPrinter, AddsAWarningAndTheEarlierAttemptsWhereThereAreAny) {
  Outcome outcome = succeeded();
  outcome.attempt = 2;
  outcome.warning = "left 1 process behind";
  outcome.earlier.push_back(failed());
  const Json object = json_of(outcome);
  EXPECT_EQ(object["warning"], "left 1 process behind");
  ASSERT_EQ(object["earlier"].size(), 1U);
  EXPECT_EQ(object["earlier"][0]["state"], "failed");
  EXPECT_EQ(object["earlier"][0]["attempt"], 1);
  EXPECT_EQ(object["earlier"][0]["error"], "exit code 3");
  EXPECT_FALSE(object["earlier"][0].contains("stdout"));
}

TEST(JsonPrinter, ShowsWhatIsKnownAndNullForWhatIsNot) {
  const Json object = json_of(failed(), "first");
  EXPECT_EQ(object["task"], 7);
  EXPECT_EQ(object["label"], "first");
  EXPECT_EQ(object["state"], "failed");
  EXPECT_EQ(object["rank"], 2);
  EXPECT_EQ(object["host"], "node1");
  EXPECT_EQ(object["exit_code"], 3);
  EXPECT_EQ(object["error"], "exit code 3");
  EXPECT_EQ(object["stdout"], "out\n");
  EXPECT_TRUE(object["value"].is_null());
  EXPECT_TRUE(json_of(succeeded())["error"].is_null());
  EXPECT_TRUE(json_of(succeeded())["label"].is_null());
}

TEST(JsonPrinter, ShowsAValueAsTheJsonItIs) {
  Outcome outcome = succeeded();
  outcome.value = R"({"pi":3.14})";
  outcome.value_is_json = true;
  EXPECT_EQ(json_of(outcome)["value"]["pi"], 3.14);
}

TEST(JsonPrinter, OutputThatIsNoTextStillMakesALineOfJson) {
  Outcome outcome = succeeded();
  outcome.stdout_text = std::string("\xff\xfe\0\n\"", 5);
  EXPECT_NE(json_of(outcome)["stdout"], "");
}

TEST(WarningLine, NamesTaskRankHostAndWhatShouldBeKnown) {
  Outcome outcome = succeeded();
  outcome.warning = "left 1 process behind";
  EXPECT_EQ(describe_warning(outcome, "first"), "task 7 (first) on rank 2 (node1): left 1 process behind");
}

TEST(FailureLine, NamesTaskLabelRankHostAndReason) {
  EXPECT_EQ(describe_failure(failed(), "first"), "task 7 (first) failed on rank 2 (node1): exit code 3");
  EXPECT_EQ(describe_failure(failed(), {}), "task 7 failed on rank 2 (node1): exit code 3");
}

}  // namespace
