// A run inside a SLURM job, as far as it can be told without SLURM: its environment, and programs called
// squeue and scontrol that answer as SLURM's do. One rank alone, for mpirun would ask SLURM for its nodes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/clock.hpp"
#include "support/batches.hpp"
#include "support/ledger.hpp"
#include "support/run_parrun.hpp"
#include "support/temp_dir.hpp"

namespace parrun::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class InSlurmJob : public ::testing::Test {
 protected:
  void SetUp() override { program("scontrol", "echo \"$*\" >> '" + dir.file("scontrol_calls") + "'"); }

  void program(const std::string& name, const std::string& body) {
    ::chmod(dir.write(name, "#!/bin/sh\n" + body + "\n").c_str(), 0755);
  }
  void job_ends_in(double seconds) {
    program("squeue", "echo " + std::to_string(static_cast<long>(wall_clock_s() + seconds)));
  }
  JobResult run(std::vector<std::string> options, const std::string& restarts = "",
                const Environment& more = {}) {
    RunOptions job;
    job.env = {{"PATH", dir.path().string() + ":" + std::getenv("PATH")}, {"SLURM_JOB_ID", "17"}};
    if (!restarts.empty()) job.env.emplace_back("SLURM_RESTART_COUNT", restarts);
    job.env.insert(job.env.end(), more.begin(), more.end());
    return run_parrun(0, batch.run_args(batch.pack(dir), std::move(options)), job);
  }
  std::string requeues() const { return read_bytes(dir.file("scontrol_calls")); }
  std::map<int, std::string> states() const { return recorded_states(dir.file("jobs.record")); }

  const TempDir dir;
  Batch batch;
};

TEST_F(InSlurmJob, TheRunEndsAMarginBeforeTheJobAndHasItRunAgain) {
  batch.command("echo done").command("sleep 1000");
  job_ends_in(10);
  const JobResult result = run({"--margin", "2", "--requeue"});
  EXPECT_EQ(result.exit_code, 124);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("SLURM job 17 ends in 2.0 s (--margin)"), HasSubstr("is requeued")));
  EXPECT_LT(result.seconds, 12);
  EXPECT_EQ(requeues(), "requeue 17\n") << "the task that was cancelled is left to do";
  EXPECT_EQ(states().at(0), "succeeded");
  EXPECT_EQ(states().at(1), "cancelled");
}

TEST_F(InSlurmJob, ABatchThatNoRunBringsFurtherDoesNotComeAgainForEver) {
  batch.command("sleep 1000");
  JobResult last;
  for (const char* restarts : {"", "1", "2"}) {
    job_ends_in(4);
    last = run({"--margin", "2", "--requeue"}, restarts);
    EXPECT_EQ(last.exit_code, 124);
  }
  EXPECT_EQ(requeues(), "requeue 17\nrequeue 17\n") << "once may be an accident";
  EXPECT_THAT(last.err, HasSubstr("the job is not requeued: in several runs no task has come to its end"));
}

TEST_F(InSlurmJob, AResumedRunKnowsHowLongTasksTake) {
  for (int task = 0; task < 3; ++task) batch.command("echo >> '" + dir.file("starts") + "'; sleep 12");
  job_ends_in(22);
  EXPECT_EQ(run({"--margin", "1"}).exit_code, 124);
  const std::string starts = read_bytes(dir.file("starts"));
  job_ends_in(11);
  const JobResult again = run({"--margin", "1", "--resume"});
  EXPECT_EQ(again.exit_code, 124);
  EXPECT_THAT(again.err, HasSubstr("no task that is left can be expected to end before"));
  EXPECT_EQ(read_bytes(dir.file("starts")), starts) << "one that had to be cut was not started";
}

TEST_F(InSlurmJob, ASlowControllerIsWaitedForAndNotTakenForAStuckLoop) {
  batch.command("echo done").command("sleep 1000");
  program("scontrol", "sleep 2; echo \"$*\" >> '" + dir.file("scontrol_calls") + "'");
  job_ends_in(4);
  const JobResult result = run({"--margin", "2", "--requeue"});
  EXPECT_EQ(result.exit_code, 124);
  EXPECT_THAT(result.err, AllOf(HasSubstr("is requeued"), Not(HasSubstr("stuck"))));
  EXPECT_EQ(requeues(), "requeue 17\n");
}

TEST_F(InSlurmJob, WhatDoesNotFitBeforeTheEndIsNotStarted) {
  for (int task = 0; task < 8; ++task) batch.command("sleep 6");
  job_ends_in(18);
  const JobResult result = run({"--margin", "1"});
  EXPECT_EQ(result.exit_code, 124);
  EXPECT_THAT(result.err, HasSubstr("no task that is left can be expected to end before"));
  for (const auto& [task, state] : states()) EXPECT_EQ(state, "succeeded") << task << ": none was cut";
  EXPECT_GE(states().size(), 1U);
}

TEST_F(InSlurmJob, ASlurmThatDoesNotAnswerIsNotWaitedFor) {
  batch.command("echo done");
  program("squeue", "exec sleep 15");
  const JobResult result = run({});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_LT(result.seconds, 10);
}

TEST_F(InSlurmJob, TheJobsEndIsNoLimitWhereThatIsNotWanted) {
  batch.command("sleep 2");
  job_ends_in(1);
  EXPECT_EQ(run({"--deadline", "none"}).exit_code, 0);
}

TEST_F(InSlurmJob, AJobThatWasRequeuedResumesByItself) {
  batch.command("echo one >> '" + dir.file("runs") + "'; echo done");
  job_ends_in(1000);
  EXPECT_EQ(run({}).exit_code, 0);
  EXPECT_EQ(run({}).exit_code, 2) << "the same job a second time by hand";
  const JobResult again = run({}, "1");
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.err, HasSubstr("nothing to do"));
  EXPECT_EQ(read_bytes(dir.file("runs")), "one\n");
}

Environment element(int id, const std::string& count = "3", const std::string& max = "3",
                    const std::string& min = "1") {
  return {{"SLURM_ARRAY_TASK_ID", std::to_string(id)},
          {"SLURM_ARRAY_TASK_COUNT", count},
          {"SLURM_ARRAY_TASK_MIN", min},
          {"SLURM_ARRAY_TASK_MAX", max}};
}

TEST_F(InSlurmJob, EachJobOfAnArrayRunsItsPartWithARecordOfItsOwn) {
  for (int task = 0; task < 8; ++task) batch.command("echo " + std::to_string(task));
  job_ends_in(1000);
  const JobResult second = run({"--order", "submission"}, "", element(2));
  EXPECT_EQ(second.exit_code, 0);
  EXPECT_EQ(second.out, "1\n4\n7\n");
  EXPECT_THAT(second.err, HasSubstr("shard 2/3: 3 of 8 tasks, as SLURM_ARRAY_TASK_ID says; --shard 1/1"));
  EXPECT_EQ(run({}, "", element(1)).exit_code, 0);
  EXPECT_EQ(run({"--no-record", "--order", "submission"}, "", element(3)).out, "2\n5\n");
  EXPECT_EQ(run({}, "", element(3)).exit_code, 0);
  const JobResult results = run_parrun(0, {"results", "--indices", dir.file("jobs.3-of-3.record"),
                                           dir.file("jobs.1-of-3.record"), dir.file("jobs.2-of-3.record")});
  EXPECT_EQ(results.out, "0\n1\n2\n3\n4\n5\n6\n7\n") << results.err;
}

TEST_F(InSlurmJob, EachJobOfAnArrayHasAJoblogOfItsOwn) {
  for (int task = 0; task < 8; ++task) batch.command("echo " + std::to_string(task));
  job_ends_in(1000);
  const auto logged = [&](const std::string& name) {
    const std::string text = read_bytes(dir.file(name));
    return std::count(text.begin(), text.end(), '\n');
  };
  for (const int id : {1, 2, 3}) {
    EXPECT_EQ(run({"--joblog", dir.file("log.tsv")}, "", element(id)).exit_code, 0);
    EXPECT_EQ(run({"--no-record", "--joblog", dir.file("log")}, "", element(id)).exit_code, 0);
  }
  EXPECT_EQ(logged("log.1-of-3.tsv"), 1 + 3) << "with the header";
  EXPECT_EQ(logged("log.2-of-3.tsv"), 1 + 3);
  EXPECT_EQ(logged("log.3-of-3.tsv"), 1 + 2);
  EXPECT_EQ(logged("log.3-of-3"), 1 + 2);
  EXPECT_FALSE(std::filesystem::exists(dir.file("log.tsv")));
  EXPECT_EQ(run({"--resume", "--joblog", "/dev/null"}, "", element(1)).exit_code, 0) << "no file to be named";
}

TEST_F(InSlurmJob, TheWayOnFromAnArraysJobNamesItsPart) {
  batch.command("true").command("true").command("sleep 1000");
  job_ends_in(4);
  const JobResult result = run({"--margin", "2"}, "", element(3));
  EXPECT_EQ(result.exit_code, 124);
  EXPECT_THAT(result.err, HasSubstr("go on with: parrun --shard 3/3 --resume --margin 2 "));
}

TEST_F(InSlurmJob, AnArrayWithGapsIsNoWholeUnlessItIsSaidWhatIsMeant) {
  batch.command("true");
  job_ends_in(1000);
  const JobResult gaps = run({}, "", element(1, "3", "7"));
  EXPECT_EQ(gaps.exit_code, 2);
  EXPECT_THAT(gaps.err, HasSubstr("give --shard K/N"));
  EXPECT_EQ(run({"--shard", "1/1"}, "", element(1, "3", "7")).exit_code, 0);
  EXPECT_EQ(states().size(), 1U) << "in jobs.record";
}

TEST_F(InSlurmJob, AnArraysJobThatIsSubmittedAgainAloneRunsNothingUntilItIsSaidWhatIsMeant) {
  for (int task = 0; task < 8; ++task) batch.command("echo " + std::to_string(task));
  job_ends_in(1000);
  const Environment alone = element(7, "1", "7", "7");
  const JobResult refused = run({}, "", alone);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_EQ(refused.out, "");
  EXPECT_THAT(refused.err, AllOf(HasSubstr("job 7 alone"), HasSubstr("give --shard K/N")));
  EXPECT_EQ(run({"--shard", "3/4", "--order", "submission"}, "", alone).out, "2\n6\n");
}

// /dev/shm is surely a host's own.
TEST_F(InSlurmJob, ARecordThatOtherNodesDoNotSeeIsWarnedOf) {
  batch.command("true");
  job_ends_in(1000);
  const std::string record = "/dev/shm/parrun_test_" + std::to_string(::getpid()) + ".record";
  const JobResult result = run({"--record", record});
  std::filesystem::remove(record);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.err, HasSubstr(record + " is on tmpfs, this host's own file system"));
  const JobResult outside = run_parrun(0, batch.run_args(dir.file("jobs.bin"), {"--record", record}));
  std::filesystem::remove(record);
  EXPECT_THAT(outside.err, Not(HasSubstr("tmpfs"))) << "no job";
}

}  // namespace
}  // namespace parrun::test
