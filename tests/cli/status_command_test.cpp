#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "base/clock.hpp"
#include "record/holder.hpp"
#include "support/record_file.hpp"
#include "support/run_program.hpp"
#include "support/temp_dir.hpp"

namespace parrun {
namespace {

using test::output_of;
using test::row;
using ::testing::AllOf;
using ::testing::HasSubstr;

double now_s() { return Seconds(std::chrono::system_clock::now().time_since_epoch()).count(); }

// As a run of this process writes it.
record::Run our_run() {
  const record::Holder self = record::this_process();
  record::Run run = test::run_of(10);
  run.host = self.host;
  run.pid = self.pid;
  run.process = self.process;
  run.started_s = run.updated_s = now_s();
  run.executing = 2;
  return run;
}

class StatusCommandTest : public ::testing::Test {
 protected:
  std::string status() const { return output_of({"status", record_}); }

  test::TempDir dir_;
  const std::string record_ = dir_.file("jobs.record");
};

TEST_F(StatusCommandTest, ARunThatIsUnderWayIsSeenRunning) {
  test::WrittenRecord writer(record_);
  writer.add(our_run()).add(row(0)).add(row(1, State::failed, "exit code 3"));
  EXPECT_THAT(status(), AllOf(HasSubstr("\nrunning for "),
                              HasSubstr("10 tasks: 1 succeeded, 1 failed, 2 running, 6 not started\n"),
                              HasSubstr("  task 0\n"), HasSubstr("failed: exit code 3 (task 1)\n")));
  writer.add(row(2));
  EXPECT_THAT(status(), HasSubstr("10 tasks: 2 succeeded, 1 failed, 2 running, 5 not started\n"));
}

TEST_F(StatusCommandTest, ARunThatEndedTellsItsExitCode) {
  record::Run run = our_run();
  run.ended_s = now_s();
  run.exit_code = 1;
  test::WrittenRecord(record_).add(run);
  EXPECT_THAT(status(), HasSubstr("with exit code 1\n"));
}

TEST_F(StatusCommandTest, ALaterProcessOfTheSamePidIsNotTheRun) {
  record::Run run = our_run();
  run.process += "1";
  test::WrittenRecord(record_).add(run);
  EXPECT_THAT(status(), HasSubstr("did not end: its process is gone"));
}

TEST_F(StatusCommandTest, ARunOnAnotherHostIsJudgedByItsLastSignOfLife) {
  record::Run run = our_run();
  run.host = "another.host";
  test::WrittenRecord file(record_);
  file.add(run);
  EXPECT_THAT(status(), HasSubstr(", updated "));
  run.updated_s -= 70;
  file.add(run);
  EXPECT_THAT(status(), HasSubstr("not updated for 1 min 10 s: see on another.host"));
}

TEST_F(StatusCommandTest, WhatIsNoRecordIsRefused) {
  test::expect_refused({"status", dir_.file("missing")}, "No such file");
  test::expect_refused({"status", dir_.write("text", "hello\n")}, "is no run record");
  test::expect_refused({"status"}, "FILE is required");
}

TEST_F(StatusCommandTest, OfAShardItsOwnTasksAreCounted) {
  record::Run run = our_run();
  run.shard = {2, 3};  // three of ten
  test::WrittenRecord(record_).add(run).add(row(1));
  EXPECT_THAT(status(), AllOf(HasSubstr("(shard 2/3)"), HasSubstr("\n3 tasks: 1 succeeded, 2 running")));
}

TEST_F(StatusCommandTest, OfSeveralRecordsTheSumIsToldToo) {
  const std::string other = dir_.file("other.record");
  record::Run run = our_run();
  run.shard = {1, 2};
  test::WrittenRecord(record_).add(run).add(row(0)).add(row(2, State::failed, "exit code 3"));
  run.shard = {2, 2};
  test::WrittenRecord(other).add(run).add(row(1));
  EXPECT_THAT(output_of({"status", record_, other}),
              AllOf(HasSubstr(record_ + ": "), HasSubstr("\n" + other + ": "),
                    HasSubstr("\nin all: 10 tasks: 2 succeeded, 1 failed, 7 without an outcome\n")));
}

}  // namespace
}  // namespace parrun
