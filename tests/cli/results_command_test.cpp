#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "report/printer.hpp"
#include "support/record_file.hpp"
#include "support/run_program.hpp"
#include "support/temp_dir.hpp"

namespace parrun {
namespace {

using test::expect_refused;
using test::output_of;
using test::row;
using ::testing::HasSubstr;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string printed(const record::Row& row) { return print(row.outcome, row.label, Format::jsonl).out; }

record::Row full_row(std::uint64_t task) {
  record::Row full = row(task, State::failed, "exit code 3");
  full.label = "a label";
  full.outcome.started_s = 1700000000.25;
  full.outcome.elapsed_s = 1.5;
  full.outcome.exit_code = 3;
  full.outcome.stdout_text = "one,\"two\"\nthree";
  full.outcome.stderr_text = "\xff!";
  full.outcome.value = R"({"a":[1,2]})";
  full.outcome.value_is_json = true;
  full.outcome.warning = "left 2 processes behind";
  full.outcome.attempt = 2;
  full.outcome.earlier = {row(task, State::lost, "its rank was lost").outcome};
  return full;
}

class ResultsCommandTest : public ::testing::Test {
 protected:
  ResultsCommandTest() {
    test::WrittenRecord(record_)
        .add(test::run_of(10))
        .add(row(0))
        .add(full_row(1))
        .add(row(4, State::lost, "rank 3 fell silent"));
  }
  std::string results(std::vector<std::string> options) const {
    options.insert(options.begin(), {"results", record_});
    return output_of(options);
  }
  void expect_refused_options(std::vector<std::string> options, const std::string& text) const {
    options.insert(options.begin(), {"results", record_});
    expect_refused(options, text);
  }

  test::TempDir dir_;
  const std::string record_ = dir_.file("jobs.record");
};

// JSON lines.

TEST_F(ResultsCommandTest, JsonLinesAreThoseOfTheRun) {
  EXPECT_EQ(results({"--format", "jsonl"}),
            printed(row(0)) + printed(full_row(1)) + printed(row(4, State::lost, "rank 3 fell silent")));
}

TEST_F(ResultsCommandTest, JsonObjectsHaveTheColumnsAskedForInThatOrder) {
  EXPECT_EQ(results({"--format", "jsonl", "--columns", "state,task,label,value", "--task", "0,1"}),
            "{\"state\":\"succeeded\",\"task\":0,\"label\":null,\"value\":null}\n"
            "{\"state\":\"failed\",\"task\":1,\"label\":\"a label\",\"value\":{\"a\":[1,2]}}\n");
}

TEST_F(ResultsCommandTest, AColumnHoldsWhatTheRunsObjectHoldsUnderItsName) {
  const auto object = nlohmann::ordered_json::parse(printed(full_row(1)));
  std::string names;
  for (const auto& [name, value] : object.items()) names += (names.empty() ? "" : ",") + name;
  EXPECT_EQ(results({"--format", "jsonl", "--task", "1", "--columns", names}), object.dump() + '\n');
}

// CSV.

TEST_F(ResultsCommandTest, CsvHasTheColumnsOfTheContractAndNothingForNull) {
  EXPECT_EQ(
      results({"--format", "csv", "--task", "0"}),
      "task,label,state,attempt,rank,host,started,elapsed_s,user_s,system_s,max_rss_kb,exit_code,signal,"
      "error,stdout,stderr,value\r\n"
      "0,,succeeded,1,1,node1,0.0,0.0,0.0,0.0,0,0,0,,,,\r\n");
}

TEST_F(ResultsCommandTest, CsvQuotesWhatWouldBreakItAndReplacesWhatIsNoText) {
  EXPECT_EQ(results({"--format", "csv", "--task", "1", "--columns", "stdout,value,warning,stderr"}),
            "stdout,value,warning,stderr\r\n"
            "\"one,\"\"two\"\"\nthree\",\"{\"\"a\"\":[1,2]}\",left 2 processes behind,\xef\xbf\xbd!\r\n");
}

TEST_F(ResultsCommandTest, EachCharacterThatWouldBreakCsvIsReasonToQuote) {
  for (const std::string text : {"a,b", "a\nb", "a\rb"}) {
    record::Row one = row(5);
    one.label = text;
    test::WrittenRecord(record_).add(one);
    EXPECT_EQ(results({"--format", "csv", "--task", "5", "--columns", "label"}),
              "label\r\n\"" + text + "\"\r\n");
  }
}

TEST_F(ResultsCommandTest, AnEmptyFirstCellOfCsvIsACell) {
  EXPECT_EQ(results({"--format", "csv", "--task", "0", "--columns", "label,error,task"}),
            "label,error,task\r\n,,0\r\n");
}

// A blank line is none to those who read CSV: rows would move up.
TEST_F(ResultsCommandTest, AnEmptyCellOfOneColumnOfCsvIsALineToo) {
  EXPECT_EQ(results({"--format", "csv", "--columns", "error"}),
            "error\r\n\"\"\r\nexit code 3\r\nrank 3 fell silent\r\n");
}

// Table.

TEST_F(ResultsCommandTest, ATableIsTheDefaultAndIsAligned) {
  EXPECT_EQ(results({}),
            "    task  label                 state      attempt   rank  host               elapsed_s  "
            "exit_code  error\n"
            "       0  -                     succeeded        1      1  node1                  0.000         "
            " 0  -\n"
            "       1  a label               failed           2      1  node1                  1.500         "
            " 3  exit "
            "code 3\n"
            "       4  -                     lost             1      1  node1                  0.000         "
            " 0  rank "
            "3 fell silent\n");
}

TEST_F(ResultsCommandTest, ATablesCellIsCutExceptTheLastOne) {
  record::Row wide = row(5);
  wide.label = std::string(19, 'x') + "\u00e9\u00e9";
  wide.outcome.warning = std::string(100, 'w');
  test::WrittenRecord(record_).add(wide);
  EXPECT_EQ(lines_of(results({"--task", "5", "--columns", "label,task,warning"})).at(1),
            std::string(17, 'x') + "...         5  " + std::string(100, 'w'));
}

TEST_F(ResultsCommandTest, CharactersAreCountedNotBytes) {
  const auto shown = [&](int characters) {
    record::Row one = row(5);
    for (int i = 0; i < characters; ++i) one.label += "\u00e9";
    test::WrittenRecord(record_).add(one);
    return lines_of(results({"--task", "5", "--columns", "label,run"})).at(1);
  };
  EXPECT_THAT(shown(20), ::testing::StartsWith("\u00e9"));
  EXPECT_THAT(shown(20), ::testing::EndsWith("\u00e9     1"));
  EXPECT_THAT(shown(21), ::testing::EndsWith("\u00e9...     1"));
}

TEST_F(ResultsCommandTest, ControlCharactersDoNotReachTheTerminal) {
  record::Row wild = row(5);
  wild.outcome.stdout_text = "a\n\tb\x1b[0m\u009b1m\u00e9";
  test::WrittenRecord(record_).add(wild);
  EXPECT_EQ(lines_of(results({"--task", "5", "--columns", "task,stdout"})).at(1),
            "       5  a\\n\\tb\\x1b[0m\\xc2\\x9b1m\u00e9");
}

// Which.

TEST_F(ResultsCommandTest, StatesCanBeSelectedByCommasBeforeTheFileToo) {
  EXPECT_EQ(results({"--indices", "--state", "lost"}), "4\n");
  EXPECT_EQ(output_of({"results", "--indices", "--state", "lost,failed", record_}), "1\n4\n");
}

TEST_F(ResultsCommandTest, WhereNothingMatchesTheHeaderStandsAlone) {
  EXPECT_EQ(lines_of(results({"--state", "cancelled"})).size(), 1U);
  EXPECT_EQ(results({"--state", "cancelled", "--format", "jsonl"}), "");
}

TEST_F(ResultsCommandTest, TasksWithoutAnOutcomeAreNamedOnceAndTheOthersShown) {
  const test::Ran ran =
      test::run({"results", record_, "--indices", "--task", "9,4,7,1", "--state", "failed"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_EQ(ran.out, "1\n");
  EXPECT_EQ(ran.err, "parrun: no outcome of task 7, 9 in " + record_ + "\n");
}

TEST_F(ResultsCommandTest, OfManyTasksWithoutAnOutcomeAFewAreNamed) {
  const test::Ran ran =
      test::run({"results", record_, "--indices", "--task", "10,11,12,13,14,15,16,17,18,19,20,21"});
  EXPECT_THAT(ran.err, HasSubstr("18, 19 and 2 more in "));
}

TEST_F(ResultsCommandTest, IndicesAreOneALine) { EXPECT_EQ(results({"--indices"}), "0\n1\n4\n"); }

// Stdout.

TEST_F(ResultsCommandTest, TheStdoutOfATaskIsGivenByteForByte) {
  record::Row binary = row(5);
  binary.outcome.stdout_text = std::string("\0\xff\x1b\n no newline", 15) + std::string(10000, 'x');
  test::WrittenRecord(record_).add(binary);
  EXPECT_EQ(results({"--stdout-of", "5"}), binary.outcome.stdout_text);
  EXPECT_EQ(results({"--stdout-of", "0"}), "");
}

TEST_F(ResultsCommandTest, TheStderrOfATaskLikewise) {
  record::Row row_5 = row(5);
  row_5.outcome.stdout_text = "said";
  row_5.outcome.stderr_text = "\nwhy it\tfailed";
  test::WrittenRecord(record_).add(row_5);
  EXPECT_EQ(results({"--stderr-of", "5"}), "\nwhy it\tfailed");
  expect_refused_options({"--stderr-of", "5", "--stdout-of", "5"}, " excludes ");
}

TEST_F(ResultsCommandTest, TheStdoutOfATaskWithoutAnOutcomeIsRefused) {
  for (const char* option : {"--stdout-of", "--stderr-of"})
    expect_refused_options({option, "7"}, "task 7 has no outcome in " + record_);
}

TEST_F(ResultsCommandTest, AFullStdoutIsAnError) { test::expect_full_stdout_refused({"results", record_}); }

// Usage.

TEST_F(ResultsCommandTest, ContradictionsAreRefused) {
  expect_refused_options({"--indices", "--columns", "task"}, "--columns excludes --indices");
  expect_refused_options({"--indices", "--format", "csv"}, "--format excludes --indices");
  for (const std::vector<std::string>& other : std::vector<std::vector<std::string>>{{"--indices"},
                                                                                     {"--state", "failed"},
                                                                                     {"--task", "1"},
                                                                                     {"--format", "csv"},
                                                                                     {"--columns", "task"}}) {
    std::vector<std::string> options{"--stdout-of", "1"};
    options.insert(options.end(), other.begin(), other.end());
    expect_refused_options(options, " excludes ");
  }
}

TEST_F(ResultsCommandTest, UnknownNamesAreRefusedWithTheChoices) {
  expect_refused_options({"--state", "done"}, "succeeded,failed,timed_out,lost,cancelled");
  expect_refused_options({"--columns", "task,foo"}, "task,label,state,attempt");
  expect_refused_options({"--format", "xml"}, "table,csv,jsonl");
  for (const char* task : {"-1", "x", "1,y", "1.5", "99999999999999999999999", ""}) {
    expect_refused_options({"--task", task}, "is no task's index");
    expect_refused_options({"--stdout-of", task}, "is no task's index");
  }
  expect_refused_options({"--state", "failed", "lost"}, "lost");
  expect_refused({"results"}, "FILE is required");
  expect_refused({"results", dir_.file("missing")}, "No such file");
}

}  // namespace
}  // namespace parrun
