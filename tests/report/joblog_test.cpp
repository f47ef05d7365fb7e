#include "report/joblog.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <regex>

#include "base/descriptor.hpp"
#include "support/batches.hpp"
#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"

namespace parrun {
namespace {

using namespace std::chrono_literals;
using test::input_error;
using test::read_bytes;
using test::wait_until;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr auto kBound = 20s;
const std::string kHeader = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";

Outcome outcome(State state, int exit_code = 0, int signal = 0) {
  Outcome outcome;
  outcome.task = TaskId(6);
  outcome.state = state;
  outcome.host = "node1";
  outcome.started_s = 1360490623.0674;
  outcome.elapsed_s = 3.4452;
  outcome.exit_code = exit_code;
  outcome.signal = signal;
  return outcome;
}

std::string line(State state, int exit_code = 0, int signal = 0) {
  return joblog_line(outcome(state, exit_code, signal), "x");
}

TEST(JoblogLine, HoldsTheColumnsOfGnuParallel) {
  EXPECT_EQ(joblog_line(outcome(State::succeeded), "echo 1"),
            "7\tnode1\t1360490623.067\t     3.445\t0\t0\t0\t0\techo 1\n");
}

TEST(JoblogLine, HasTheExitCodeAndTheSignalOfATaskThatFailed) {
  EXPECT_THAT(line(State::failed, 3), EndsWith("\t3\t0\tx\n"));
  EXPECT_THAT(line(State::failed, 137, 9), EndsWith("\t137\t9\tx\n"));
}

TEST(JoblogLine, HasMinusOneWhereTheTaskWasEndedFromOutside) {
  EXPECT_THAT(line(State::timed_out, 137, 9), EndsWith("\t-1\t9\tx\n"));
  EXPECT_THAT(line(State::cancelled, 137, 9), EndsWith("\t-1\t9\tx\n"));
  EXPECT_THAT(line(State::lost), EndsWith("\t-1\t0\tx\n"));
}

TEST(JoblogLine, ATaskThatFailedWithExitCodeZeroDoesNotPassForSucceeded) {
  EXPECT_THAT(line(State::failed), EndsWith("\t1\t0\tx\n"));
}

// The two expressions by which open_joblog() of GNU parallel takes a line as done, or as a line at all.
TEST(JoblogLine, ResumeFailedRunsAgainWhatDidNotSucceedAndNothingElse) {
  const std::regex done("^(\\d+)(?:\t[^\t]+){5}\t0\t0\t"), any("\\d+\\s+[^\\s]+\\s+([-0-9.]+\\s+){6}");
  for (const State state :
       {State::succeeded, State::failed, State::timed_out, State::lost, State::cancelled}) {
    for (const char* host : {"node1", ""}) {
      Outcome one = outcome(state);
      one.host = host;
      const std::string line = joblog_line(one, "");
      EXPECT_EQ(std::regex_search(line, done), state == State::succeeded) << line;
      EXPECT_TRUE(std::regex_search(line, any)) << line;
    }
  }
}

TEST(JoblogLine, ACommandOfSeveralLinesIsOneLineWithNulForEachLineEnd) {
  const std::string line = joblog_line(outcome(State::succeeded), "a\n\tb\n");
  EXPECT_THAT(line, EndsWith(std::string("\ta\0\tb\0\n", 7)));
}

std::size_t read_to_end(const Descriptor& pipe) {
  std::string piece(1 << 16, ' ');
  std::size_t size = 0;
  for (ssize_t got = 0; (got = read(pipe.get(), piece.data(), piece.size())) > 0;)
    size += static_cast<std::size_t>(got);
  return size;
}

class JoblogTest : public ::testing::Test {
 protected:
  void log(bool append, const std::string& command) const {
    Joblog joblog(path_);
    joblog.begin(append);
    joblog.add(outcome(State::succeeded), command);
    EXPECT_TRUE(wait_until([&] { return joblog.flushed(); }, kBound));
    EXPECT_FALSE(joblog.failed());
  }
  static std::string line_of(const std::string& command) {
    return joblog_line(outcome(State::succeeded), command);
  }

  const test::TempDir dir_;
  const std::string path_ = dir_.file("joblog");
};

TEST_F(JoblogTest, BeginsWithItsHeader) {
  log(false, "a");
  EXPECT_EQ(read_bytes(path_), kHeader + line_of("a"));
}

TEST_F(JoblogTest, ReplacesTheFileOfARunBefore) {
  dir_.write("joblog", kHeader + "much that was there before, and longer\n" + kHeader + kHeader);
  log(false, "a");
  EXPECT_EQ(read_bytes(path_), kHeader + line_of("a"));
}

TEST_F(JoblogTest, AResumedRunGoesOnWithoutASecondHeader) {
  log(false, "a");
  log(true, "b");
  EXPECT_EQ(read_bytes(path_), kHeader + line_of("a") + line_of("b"));
}

TEST_F(JoblogTest, AResumedRunWithoutAFileOrWithAnEmptyOneBeginsIt) {
  log(true, "a");
  EXPECT_EQ(read_bytes(path_), kHeader + line_of("a"));
  dir_.write("joblog", "");
  log(true, "b");
  EXPECT_EQ(read_bytes(path_), kHeader + line_of("b"));
}

TEST_F(JoblogTest, AResumedRunDropsALineThatWasCut) {
  dir_.write("joblog", kHeader + line_of("a") + "3\tnode1\t13604");
  log(true, "b");
  EXPECT_EQ(read_bytes(path_), kHeader + line_of("a") + line_of("b"));
  dir_.write("joblog", "Seq\tHo");
  log(true, "b");
  EXPECT_EQ(read_bytes(path_), kHeader + line_of("b"));
}

TEST_F(JoblogTest, WhatCannotBeOpenedIsRefused) {
  const auto refusal = [](const std::string& path) { return input_error([&] { Joblog joblog(path); }); };
  EXPECT_EQ(refusal(dir_.file("no/joblog")), "cannot open " + dir_.file("no/joblog") +
                                                 ": No such file or directory; give --joblog another name");
  EXPECT_THAT(refusal(dir_.path().string()), HasSubstr("Is a directory"));
}

TEST_F(JoblogTest, WhatHoldsSomethingElseIsRefusedAndLeft) {
  for (const std::string& content :
       {std::string("SQLite format 3"), std::string("x"), std::string("Seq,Host")}) {
    dir_.write("joblog", content);
    EXPECT_THAT(input_error([&] { Joblog joblog(path_); }), HasSubstr("holds something else"));
    EXPECT_EQ(read_bytes(path_), content);
  }
  for (const std::string& content : {std::string(), kHeader, std::string("Se")}) {
    dir_.write("joblog", content);
    EXPECT_EQ(input_error([&] { Joblog joblog(path_); }), "");
  }
}

TEST_F(JoblogTest, UntilItBeginsNothingIsWrittenAndAFileThatWasNotThereGoesAgain) {
  { const Joblog joblog(path_); }
  EXPECT_FALSE(std::filesystem::exists(path_));
  std::filesystem::create_symlink("target", path_);
  { const Joblog joblog(path_); }
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
  EXPECT_FALSE(std::filesystem::exists(dir_.file("target")));
  log(false, "a");
  { const Joblog joblog(path_); }
  EXPECT_EQ(read_bytes(dir_.file("target")), kHeader + line_of("a"));
}

// Where these fail, they hang: the test's limit ends them.
TEST_F(JoblogTest, AFifoThatNobodyOpensIsRefused) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(input_error([&] { Joblog joblog(path_); }), StartsWith("cannot open " + path_));
}

TEST_F(JoblogTest, AFifoThatNobodyReadsIsCongestedAndHoldsUpNothing) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const Descriptor reader(open(path_.c_str(), O_RDONLY | O_NONBLOCK));
  ASSERT_EQ(fcntl(reader.get(), F_SETFL, 0), 0);
  const std::string command(Output::kCongestedBytes, 'x');
  std::optional<Joblog> joblog(std::in_place, path_);
  joblog->begin(true);
  EXPECT_FALSE(joblog->congested());
  joblog->add(outcome(State::succeeded), command);
  EXPECT_TRUE(joblog->congested());
  EXPECT_FALSE(joblog->flushed());
  joblog.reset();
  EXPECT_EQ(read_to_end(reader), kHeader.size() + line_of(command).size());
}

TEST_F(JoblogTest, AFullDiskIsNoticed) {
  Joblog joblog("/dev/full");
  joblog.begin(false);
  EXPECT_TRUE(wait_until([&] { return joblog.failed(); }, kBound));
}

}  // namespace
}  // namespace parrun
