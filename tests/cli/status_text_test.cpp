#include "cli/status_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <string>

namespace parrun {
namespace {

using record::Summary;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr double kStarted_s = 1700000000;  // 2023-11-14 22:13:20 UTC

// The process is in this time zone while it lives.
class TimeZone {
 public:
  explicit TimeZone(const char* name) {
    if (const char* const before = std::getenv("TZ")) before_ = before;
    set(name);
  }
  TimeZone(const TimeZone&) = delete;
  TimeZone& operator=(const TimeZone&) = delete;
  ~TimeZone() { set(before_ ? before_->c_str() : nullptr); }

 private:
  static void set(const char* name) {
    name != nullptr ? setenv("TZ", name, 1) : unsetenv("TZ");
    tzset();
  }

  std::optional<std::string> before_;
};

class StatusTextTest : public ::testing::Test {
 protected:
  StatusTextTest() {
    record::Run& run = summary_.last_run;
    run.run = 2;
    run.batch = "jobs.bin";
    run.tasks = 2000;
    run.host = "node1";
    run.pid = 1234;
    run.ranks = 5;
    run.started_s = kStarted_s;
    run.updated_s = kStarted_s + 90;
    run.executing = 7;
    summary_.by_state = {1200, 3, 0, 0, 0};
    summary_.ended_in_last_run = 1000;
  }
  std::string text(Seen seen, double after_s = 100) const {
    return status_text("jobs.record", summary_, seen, kStarted_s + after_s);
  }

  const TimeZone utc_{"UTC"};
  Summary summary_;
};

TEST(TimeZoneOfATest, EndsWithIt) {
  const TimeZone outer("CET-1");
  { const TimeZone inner("UTC"); }
  EXPECT_EQ(std::string(std::getenv("TZ")), "CET-1");
}

TEST_F(StatusTextTest, ARunningRunTellsHowFarItIsAndHowLongItTakes) {
  EXPECT_EQ(text(Seen::alive),
            "jobs.record: run 2 of jobs.bin, 5 ranks on node1, pid 1234\n"
            "running for 1 min 40 s\n"
            "2000 tasks: 1200 succeeded, 3 failed, 7 running, 790 not started\n"
            "10 tasks/s, 1 min 20 s left\n"
            "failures:\n"
            "             3  of other kinds\n");
}

TEST_F(StatusTextTest, BeforeTheFirstOutcomeThereIsNoRate) {
  summary_.ended_in_last_run = 0;
  EXPECT_THAT(text(Seen::alive), HasSubstr("no task of this run has ended yet\n"));
}

TEST_F(StatusTextTest, ASlowRateIsToldTooAndALongTimeIsNoOverflow) {
  summary_.ended_in_last_run = 1;
  EXPECT_THAT(text(Seen::alive), HasSubstr("\n0.01 tasks/s, 22 h 8 min left\n"));
  summary_.last_run.tasks = ~0ULL >> 1;
  EXPECT_THAT(text(Seen::alive), HasSubstr(" 277777 h 46 min left\n"));
}

TEST_F(StatusTextTest, AnEndedRunTellsWhenAndHow) {
  summary_.last_run.ended_s = kStarted_s + 95;
  summary_.last_run.exit_code = 124;
  EXPECT_THAT(text(Seen::gone),
              HasSubstr("\nended at 2023-11-14 22:14:55 after 1 min 35 s with exit code 124\n"
                        "2000 tasks: 1200 succeeded, 3 failed, 797 without an outcome\n"
                        "failures:\n"));
  EXPECT_EQ(text(Seen::gone), text(Seen::elsewhere, 1e6));
}

TEST_F(StatusTextTest, ARunWhoseProcessIsGoneDidNotEndAndCanBeResumed) {
  EXPECT_THAT(text(Seen::gone), HasSubstr("\ndid not end: its process is gone, its last sign of life was at "
                                          "2023-11-14 22:14:50; --resume goes on\n"
                                          "2000 tasks: 1200 succeeded, 3 failed, 797 without an outcome\n"
                                          "failures:\n"));
}

TEST_F(StatusTextTest, ARunElsewhereIsBelievedAMinuteLong) {
  EXPECT_THAT(text(Seen::elsewhere, 150), HasSubstr("running for 2 min 30 s, updated 1 min 0 s ago\n"));
  EXPECT_THAT(text(Seen::elsewhere, 151),
              HasSubstr("\nnot updated for 1 min 1 s: see on node1 whether it runs; "
                        "if not, --resume goes on\n"));
  EXPECT_THAT(text(Seen::elsewhere, 151), Not(HasSubstr("left")));
}

TEST_F(StatusTextTest, AClockThatIsBehindIsNoNegativeTime) {
  EXPECT_THAT(text(Seen::elsewhere, -5), HasSubstr("running for 0.0 s, updated 0.0 s ago\n"));
}

TEST_F(StatusTextTest, WhatTheRunHasStartedIsNeverMoreThanWhatIsLeft) {
  summary_.last_run.tasks = 1205;
  EXPECT_THAT(text(Seen::alive), HasSubstr("3 failed, 2 running\n"));
}

TEST_F(StatusTextTest, TheSlowestTasksAndTheFailuresAreListed) {
  summary_.slowest = {{.task = TaskId(17), .label = "a\nb", .elapsed_s = 75},
                      {.task = TaskId(3), .label = "", .elapsed_s = 0.5}};
  summary_.failures = {{State::failed, "exit code 3", 2, TaskId(8)},
                       {State::failed, "signal 9", 1, TaskId(9)}};
  EXPECT_THAT(text(Seen::alive), EndsWith("slowest:\n"
                                          "    1 min 15 s  task 17 (a\\nb)\n"
                                          "         0.5 s  task 3\n"
                                          "failures:\n"
                                          "             2  failed: exit code 3 (task 8, ...)\n"
                                          "             1  failed: signal 9 (task 9)\n"));
}

}  // namespace
}  // namespace parrun
