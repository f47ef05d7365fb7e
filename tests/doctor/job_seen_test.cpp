#include "doctor/job_seen.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/clock.hpp"
#include "support/temp_dir.hpp"

namespace {

using namespace parrun;
using namespace parrun::doctor;

class Job : public ::testing::Test {
 protected:
  std::string program(const std::string& name, const std::string& body) const {
    std::string path = dir.write(name, "#!/bin/sh\n" + body + "\n");
    ::chmod(path.c_str(), 0755);
    return path;
  }
  const parrun::test::TempDir dir;
};

TEST_F(Job, ItsEndIsAskedOfSqueue) {
  const std::string squeue =
      program("squeue", "echo " + std::to_string(static_cast<long>(wall_clock_s() + 100)));
  const JobSeen seen =
      look_at_job({.id = "17", .restarts = 0, .end_s = {}}, squeue, program("scontrol", "true"));
  EXPECT_TRUE(seen.squeue_answers);
  EXPECT_NEAR(seen.left_s.value(), 100, 5);
  EXPECT_TRUE(seen.scontrol);
}

TEST_F(Job, OneWithoutAnEndIsNotOneWithoutAnAnswer) {
  const JobSeen endless =
      look_at_job({.id = "17", .restarts = 0, .end_s = {}}, program("squeue", "echo NONE"), "no-such");
  EXPECT_TRUE(endless.squeue_answers);
  EXPECT_FALSE(endless.left_s);
  EXPECT_FALSE(endless.scontrol);
  const JobSeen silent = look_at_job({.id = "17", .restarts = 0, .end_s = {}}, program("squeue", "exit 1"));
  EXPECT_FALSE(silent.squeue_answers);
}

TEST_F(Job, WhatTheEnvironmentTellsIsTakenWhereSqueueIsSilent) {
  const double end_s = wall_clock_s() + 50;
  const JobSeen seen = look_at_job({.id = "17", .restarts = 0, .end_s = end_s}, "no-such");
  EXPECT_FALSE(seen.squeue_answers);
  EXPECT_NEAR(seen.left_s.value(), 50, 5);
}

}  // namespace
