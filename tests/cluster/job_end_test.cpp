#include "cluster/job_end.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/limit.hpp"
#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"

namespace {

using namespace std::chrono_literals;
using namespace parrun;
using namespace parrun::cluster;
using parrun::test::TempDir;
using parrun::test::wait_until;

constexpr TimePoint kNow{1000s};
constexpr double kNow_s = 1.79e9;

// The run's end.

TEST(RunEnd, IsTheMarginBeforeTheJobs) {
  RunEnd run(10s);
  const auto end = run.of(kNow_s + 100, kNow_s, kNow);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->at, kNow + 90s);
}

TEST(RunEnd, WithTheLongestMarginHasBeenAlready) {
  EXPECT_LT(RunEnd(kLongestLimit).of(kNow_s + 100, kNow_s, kNow)->at, kNow);
}

TEST(RunEnd, HasAMarginOfATenthOfWhatIsLeftAndAtMostAMinute) {
  EXPECT_EQ(RunEnd({}).of(kNow_s + 60, kNow_s, kNow)->margin, 6s);
  EXPECT_EQ(RunEnd({}).of(kNow_s + 24 * 3600, kNow_s, kNow)->margin, 60s);
  EXPECT_EQ(RunEnd({}).of(kNow_s - 5, kNow_s, kNow)->margin, 0s) << "too late already";
}

TEST(RunEnd, ChangesOnlyWithTheJobsEnd) {
  RunEnd run({});
  const auto first = run.of(kNow_s + 100, kNow_s, kNow);
  EXPECT_EQ(run.of(kNow_s + 100, kNow_s + 500, kNow + 1s)->at, first->at) << "a clock was set";
  const auto extended = run.of(kNow_s + 200, kNow_s + 1, kNow + 1s);
  EXPECT_EQ(extended->at, first->at + 100s);
  EXPECT_EQ(extended->margin, first->margin);
}

TEST(RunEnd, OfAJobWithoutLimitThereIsNone) {
  RunEnd run({});
  EXPECT_FALSE(run.of({}, kNow_s, kNow));
  EXPECT_FALSE(run.of(4e18, kNow_s, kNow));
  EXPECT_TRUE(run.of(kNow_s + 100, kNow_s, kNow)) << "it was given one";
  EXPECT_FALSE(run.of({}, kNow_s, kNow)) << "and it was taken away";
}

// squeue.

// A squeue that answers with what stands in a file, and notes how it was called.
class JobEndTest : public ::testing::Test {
 protected:
  void answer(const std::string& text) { dir.write("answer", text); }
  std::string squeue() {
    const std::string path =
        dir.write("squeue", "#!/bin/sh\necho \"$SLURM_TIME_FORMAT $*\" > '" + dir.file("call") + "'\ncat '" +
                                dir.file("answer") + "'\n");
    ::chmod(path.c_str(), 0755);
    return path;
  }
  TempDir dir;
};

TEST_F(JobEndTest, IsWhatSqueueSays) {
  answer("1790000000\n");
  const JobEnd job("17", {}, squeue());
  EXPECT_TRUE(wait_until([&] { return job.end_s() == 1790000000; }, 10s));
  std::string call;
  std::getline(std::ifstream(dir.file("call")), call);
  EXPECT_EQ(call, "%s -h -j 17 -o %e");
}

TEST(JobEnd, IsAskedForTheMoreOftenTheNearerItIs) {
  EXPECT_EQ(JobEnd::ask_again_after({}), 30s);
  EXPECT_EQ(JobEnd::ask_again_after(4e18), 30s) << "no end at all";
  EXPECT_EQ(JobEnd::ask_again_after(3600), 30s);
  EXPECT_EQ(JobEnd::ask_again_after(60), 15s);
  EXPECT_EQ(JobEnd::ask_again_after(12), 5s);
  EXPECT_EQ(JobEnd::ask_again_after(-7), 5s) << "over, by this host's clock";
}

TEST_F(JobEndTest, WhereSqueueDoesNotAnswerIsWhatWasKnownBefore) {
  answer("");
  const JobEnd job("17", 5, squeue());
  EXPECT_TRUE(wait_until([&] { return std::ifstream(dir.file("call")).good(); }, 10s));
  EXPECT_EQ(job.end_s(), 5);
  const JobEnd none("17", 5, dir.file("no-squeue"));
  EXPECT_EQ(none.end_s(), 5);
}

TEST_F(JobEndTest, WhatIsNotOneLineLeavesWhatWasKnown) {
  for (const char* text : {"1790000000\n1790000060\n", "NONE\nNONE\n", "17900"}) {
    answer(text);
    const JobEnd job("17", 5, squeue());
    EXPECT_TRUE(wait_until([&] { return job.asked(); }, 10s));
    EXPECT_EQ(job.end_s(), 5) << text;
  }
}

TEST_F(JobEndTest, ThatSqueueWasAskedIsKnownWhateverItAnswers) {
  const JobEnd none("17", {}, dir.file("no-squeue"));
  EXPECT_TRUE(wait_until([&] { return none.asked(); }, 10s));
  answer("1790000000\n");
  const JobEnd job("17", {}, squeue());
  EXPECT_TRUE(wait_until([&] { return job.asked(); }, 10s));
  EXPECT_EQ(job.end_s(), 1790000000);
}

TEST_F(JobEndTest, AJobWithoutLimitHasNone) {
  answer("NONE\n");
  const JobEnd job("17", 5, squeue());
  EXPECT_TRUE(wait_until([&] { return !job.end_s(); }, 10s));
}

TEST_F(JobEndTest, NoOneCanSlipACommandInByTheJobsNumber) {
  const JobEnd job("17; touch '" + dir.file("slipped") + "'", 5, squeue());
  EXPECT_FALSE(wait_until([&] { return std::ifstream(dir.file("call")).good(); }, 200ms));
  EXPECT_FALSE(std::ifstream(dir.file("slipped")).good());
}

}  // namespace
