#include "cluster/slurm_job.hpp"

#include <gtest/gtest.h>

#include <map>

namespace {

using namespace parrun::cluster;

std::optional<SlurmJob> job_in(const std::map<std::string, std::string>& environment) {
  return slurm_job([&](const char* name) -> const char* {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  });
}

TEST(SlurmJob, OutsideOfAJobThereIsNone) {
  EXPECT_FALSE(job_in({}));
  EXPECT_FALSE(job_in({{"SLURM_JOB_ID", ""}}));
}

TEST(SlurmJob, IsReadFromItsEnvironment) {
  const auto job =
      job_in({{"SLURM_JOB_ID", "17"}, {"SLURM_RESTART_COUNT", "2"}, {"SLURM_JOB_END_TIME", "1790000000"}});
  ASSERT_TRUE(job);
  EXPECT_EQ(job->id, "17");
  EXPECT_EQ(job->restarts, 2);
  EXPECT_EQ(job->end_s, 1790000000);
}

TEST(SlurmJob, WhatItsVersionDoesNotTellIsNotKnown) {
  const auto job = job_in({{"SLURM_JOB_ID", "17"}});
  ASSERT_TRUE(job);
  EXPECT_EQ(job->restarts, 0) << "unset at first";
  EXPECT_FALSE(job->end_s);
}

TEST(SlurmJob, AnEndIsANumberOfSecondsOrThereIsNone) {
  EXPECT_EQ(parse_end("1790000000\n"), 1790000000);
  for (const char* text :
       {"", "\n", "NONE", "UNLIMITED", "N/A", "12x", "-5", "0", "nan", "inf", "Unknown\n"}) {
    EXPECT_FALSE(parse_end(text)) << text;
  }
}

}  // namespace
