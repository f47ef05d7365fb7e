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

TEST(SlurmJob, OfAnArrayIsNotNamedByTheNumberOfAllOfIt) {
  const auto id_of = [](const char* job) {
    return job_in({{"SLURM_JOB_ID", job}, {"SLURM_ARRAY_JOB_ID", "17"}, {"SLURM_ARRAY_TASK_ID", "3"}})->id;
  };
  EXPECT_EQ(id_of("17"), "17_3");
  EXPECT_EQ(id_of("18"), "18") << "an element, or a job that one has submitted";
}

TEST(SlurmJob, WhatItsVersionDoesNotTellIsNotKnown) {
  const auto job = job_in({{"SLURM_JOB_ID", "17"}});
  ASSERT_TRUE(job);
  EXPECT_EQ(job->restarts, 0) << "unset at first";
  EXPECT_FALSE(job->end_s);
}

std::optional<parrun::Shard> shard_in(const char* id, const char* count, const char* min, const char* max,
                                      const char* step = "1") {
  const auto job = job_in({{"SLURM_JOB_ID", "17"},
                           {"SLURM_ARRAY_TASK_ID", id},
                           {"SLURM_ARRAY_TASK_COUNT", count},
                           {"SLURM_ARRAY_TASK_MIN", min},
                           {"SLURM_ARRAY_TASK_MAX", max},
                           {"SLURM_ARRAY_TASK_STEP", step}});
  return job->array->shard();
}

TEST(SlurmJob, OutsideOfAnArrayHasNoElement) { EXPECT_FALSE(job_in({{"SLURM_JOB_ID", "17"}})->array); }

TEST(ArrayElement, HasItsPlaceAmongTheOthers) {
  using parrun::Shard;
  EXPECT_EQ(shard_in("0", "4", "0", "3"), (Shard{1, 4}));
  EXPECT_EQ(shard_in("3", "4", "0", "3"), (Shard{4, 4}));
  EXPECT_EQ(shard_in("15", "3", "10", "20", "5"), (Shard{2, 3}));
  EXPECT_EQ(shard_in("0", "1", "0", "0"), (Shard{1, 1}));
  EXPECT_EQ(shard_in("1", "1", "1", "1"), (Shard{1, 1}));
}

TEST(ArrayElement, SubmittedAgainAloneHasNone) { EXPECT_FALSE(shard_in("7", "1", "7", "7")) << "--array=7"; }

TEST(ArrayElement, OfAnArrayWithGapsHasNone) {
  EXPECT_FALSE(shard_in("7", "3", "1", "7")) << "--array=1,3,7";
  EXPECT_FALSE(shard_in("2", "3", "1", "5", "2")) << "not one of them";
  EXPECT_FALSE(shard_in("1", "", "", ""));
  EXPECT_FALSE(shard_in("1", "2", "1", "2", "0"));
}

TEST(SlurmJob, AnEndIsANumberOfSecondsOrThereIsNone) {
  EXPECT_EQ(parse_end("1790000000\n"), 1790000000);
  for (const char* text :
       {"", "\n", "NONE", "UNLIMITED", "N/A", "12x", "-5", "0", "nan", "inf", "Unknown\n"}) {
    EXPECT_FALSE(parse_end(text)) << text;
  }
}

}  // namespace
