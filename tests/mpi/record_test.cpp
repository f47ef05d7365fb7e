// The run record under real runs: written, resumed, replayed, refused.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

#include "base/host.hpp"
#include "support/batches.hpp"
#include "support/harm.hpp"
#include "support/ledger.hpp"
#include "support/run_parrun.hpp"
#include "support/temp_dir.hpp"

namespace parrun::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

// A folder with a batch of ten echoing tasks, of which the fourth fails as long as there is no file `mended`.
class Recorded : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int task = 0; task < 10; ++task) {
      batch.command(task == 3 ? "echo 3; [ -e '" + dir.file("mended") + "' ]"
                              : "echo " + std::to_string(task));
    }
    jobs_bin = batch.pack(dir);
  }
  JobResult run(std::vector<std::string> options = {}, int ranks = 3) {
    return run_parrun(ranks, batch.run_args(jobs_bin, std::move(options)));
  }
  JobResult parrun(const std::vector<std::string>& args) { return run_parrun(0, args); }
  static std::string lines(int first, int last) {
    std::string text;
    for (int i = first; i <= last; ++i) text += std::to_string(i) + "\n";
    return text;
  }
  /// The tasks of which the record has no outcome: as if the run had been killed before them.
  void forget(const std::string& which) {
    Database(record, Database::Access::read_write).execute(("DELETE FROM tasks WHERE " + which).c_str());
  }
  std::int64_t query(const std::string& sql) {
    return Database(record, Database::Access::read_only).integer(sql);
  }

  const TempDir dir;
  void expect_no_success_without(const std::string& suffix) {
    batch =
        Batch().call("echo", {"done"}).command("until [ -e '" + dir.file("go") + "' ]; do sleep 0.02; done");
    jobs_bin = batch.pack(dir);
    Job job = start_parrun(2, batch.run_args(jobs_bin));
    ASSERT_TRUE(wait_until([&] { return job.out() == "\"done\"\n"; }, 20s)) << job.err();
    ASSERT_TRUE(fs::remove(record + suffix));
    dir.write("go", "");
    const JobResult result = job.wait(20s);
    EXPECT_EQ(result.exit_code, 3);
    EXPECT_THAT(result.err, HasSubstr("removed, replaced or cut"));
    job.expect_nothing_left();
  }

  Batch batch;
  std::string jobs_bin;
  std::string record = dir.file("jobs.record");
};

TEST_F(Recorded, ByDefaultEveryOutcomeStandsBesideTheBatch) {
  const JobResult result = run();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_FALSE(fs::exists(record + "-wal")) << "all is in one file";
  EXPECT_EQ(query("SELECT count(*) FROM tasks"), 10);
  EXPECT_EQ(query("SELECT count(*) FROM tasks WHERE state = 'failed' AND task = 3 AND exit_code = 1"), 1);
  EXPECT_EQ(query("SELECT count(*) FROM tasks WHERE stdout = task || char(10)"), 10);
  EXPECT_EQ(query("SELECT exit_code FROM runs"), 1);
  EXPECT_EQ(query("SELECT ranks FROM runs"), 3);
}

TEST_F(Recorded, ARecordThatIsThereIsRefusedAndNothingIsRun) {
  run();
  const std::string before = read_bytes(record);
  const JobResult again = run();
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_EQ(again.out, "");
  EXPECT_THAT(again.err, AllOf(HasSubstr("--resume"), HasSubstr("--overwrite")));
  EXPECT_EQ(read_bytes(record), before);
  EXPECT_EQ(run({"--overwrite"}).exit_code, 1);
  EXPECT_EQ(query("SELECT count(*) FROM runs"), 1);
}

TEST_F(Recorded, WithoutARecordNothingIsWritten) {
  EXPECT_EQ(run({"--no-record"}).exit_code, 1);
  EXPECT_FALSE(fs::exists(record));
}

TEST_F(Recorded, ElsewhereWhereThatIsWanted) {
  record = dir.file("elsewhere.db");
  EXPECT_EQ(run({"--record", record}).exit_code, 1);
  EXPECT_EQ(query("SELECT count(*) FROM tasks"), 10);
  EXPECT_FALSE(fs::exists(dir.file("jobs.record")));
}

TEST_F(Recorded, AResumedRunDoesWhatIsLeftAndNoMore) {
  const JobResult first = run({"--resume"});
  EXPECT_EQ(first.exit_code, 1) << "where there is none one is begun";
  EXPECT_THAT(first.err, HasSubstr("jobs.record was not there to be resumed, and is begun"));
  forget("task >= 6");
  const JobResult rest = run({"--resume", "--order", "completion"}, 2);
  EXPECT_EQ(rest.exit_code, 1) << "one has failed before";
  EXPECT_EQ(rest.out, lines(6, 9));
  EXPECT_THAT(rest.err, AllOf(HasSubstr("10 tasks: 9 succeeded, 1 failed (6 of them by an earlier run)"),
                              Not(HasSubstr("was not there"))));
}

TEST_F(Recorded, InTheOrderOfSubmissionAResumedRunPrintsTheWholeBatch) {
  run();
  forget("task IN (0, 5, 9)");
  EXPECT_EQ(run({"--resume", "--order", "submission"}).out, lines(0, 9));
}

TEST_F(Recorded, EarlierResultsAreReplayedWhereThatIsWanted) {
  run();
  forget("task = 5");
  JobResult replayed = run({"--resume", "--replay"});
  std::sort(replayed.out.begin(), replayed.out.end(), std::greater<>());
  EXPECT_EQ(replayed.out, "9876543210" + std::string(10, '\n'));
}

TEST_F(Recorded, FailedTasksAreRunAgainWhereThatIsWanted) {
  run();
  dir.write("mended", "");
  const JobResult nothing = run({"--resume"});
  EXPECT_EQ(nothing.exit_code, 1);
  EXPECT_THAT(nothing.err, HasSubstr("nothing to do"));
  const JobResult again = run({"--resume-failed"});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(again.out, "3\n");
  EXPECT_EQ(query("SELECT count(*) FROM tasks WHERE state = 'succeeded'"), 10);
  EXPECT_THAT(Database(record, Database::Access::read_only).text("SELECT earlier FROM tasks WHERE task = 3"),
              HasSubstr("failed"));
}

TEST_F(Recorded, AFinishedBatchHasNothingToDoAndEndsAsItDid) {
  dir.write("mended", "");
  EXPECT_EQ(run().exit_code, 0);
  const JobResult nothing = run({"--resume"});
  EXPECT_EQ(nothing.exit_code, 0);
  EXPECT_EQ(nothing.out, "");
  EXPECT_THAT(nothing.err, HasSubstr("nothing to do"));
  EXPECT_EQ(run({"--resume", "--order", "submission"}).out, lines(0, 9));
}

TEST_F(Recorded, AnotherBatchIsRefused) {
  run();
  batch.command("echo more");
  jobs_bin = batch.pack(dir);
  const JobResult result = run({"--resume"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("another batch"));
}

TEST_F(Recorded, AJoblogNeverReplacesABatchOrARecord) {
  run();
  const std::string batch_before = read_bytes(jobs_bin);
  const std::string record_before = read_bytes(record);
  for (const std::string& joblog : {jobs_bin, record}) {
    const JobResult result = run({"--resume", "--joblog", joblog});
    EXPECT_EQ(result.exit_code, 2) << joblog;
    EXPECT_THAT(result.err, HasSubstr("--joblog"));
  }
  fs::remove(record);
  EXPECT_EQ(run({"--joblog", record}).exit_code, 2) << "nor is it one that is yet to be";
  EXPECT_EQ(run({"--joblog", record + "-wal"}).exit_code, 2);
  fs::create_symlink(record, dir.file("link"));
  EXPECT_EQ(run({"--joblog", dir.file("link")}).exit_code, 2) << "under another name";
  EXPECT_EQ(read_bytes(jobs_bin), batch_before);
}

TEST_F(Recorded, WhereTheJoblogCannotBeOpenedNoRecordIsBegun) {
  const std::string fifo = dir.file("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const JobResult result = run({"--joblog", fifo});  // nobody reads it
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("cannot open " + fifo));
  EXPECT_FALSE(fs::exists(record));
}

TEST_F(Recorded, ARefusedRunLeavesNoJoblog) {
  run();
  const std::string log = dir.file("log");
  EXPECT_EQ(run({"--joblog", log}).exit_code, 2) << "for the record is there";
  EXPECT_FALSE(fs::exists(log));
  dir.write("log", "");
  EXPECT_EQ(run({"--joblog", log}).exit_code, 2);
  EXPECT_TRUE(fs::exists(log)) << "one that was there stays";
}

TEST_F(Recorded, AnEmptyNameIsNoNameForARecord) {
  const JobResult result = run({"--record", "", "--overwrite"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_FALSE(fs::exists(record));
}

// Its log likewise: what was committed last stands nowhere else.
TEST_F(Recorded, OneThatIsRemovedWhileItIsWrittenIsNoSuccess) { expect_no_success_without(""); }
TEST_F(Recorded, OneWhoseLogIsRemovedWhileItIsWrittenIsNoSuccess) { expect_no_success_without("-wal"); }

TEST_F(Recorded, TheExitCodeThatIsRecordedIsTheRuns) {
  RunOptions unread;
  unread.rank0_stdout = dir.file("fifo");
  const FullFifo fifo(unread.rank0_stdout);
  const JobResult cut = run_parrun(3, batch.run_args(jobs_bin, {"--deadline", "2"}), unread);
  EXPECT_EQ(cut.exit_code, 124) << cut.err;
  EXPECT_THAT(cut.err, HasSubstr("10 tasks: 9 succeeded, 1 failed"));
  EXPECT_EQ(query("SELECT exit_code FROM runs"), 124);
  EXPECT_EQ(run({"--resume"}).exit_code, 1) << "there is nothing left that a limit could end";
}

TEST_F(Recorded, ContradictionsAreRefused) {
  for (const std::vector<std::string>& options : std::vector<std::vector<std::string>>{
           {"--no-record", "--resume"},
           {"--no-record", "--order", "submission", "--order-by", "longest-first"},
           {"--no-record", "--record", "x"},
           {"--resume", "--overwrite"},
           {"--no-record", "--replay"}}) {
    const JobResult result = run(options, 0);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
}

// At a limit.

TEST(RecordAtALimit, WhatFinishedIsThereAndTheRestIsDoneByTheCommandThatWasTold) {
  const TempDir dir;
  Batch batch;
  for (int task = 0; task < 20; ++task) batch.command("echo " + std::to_string(task));
  batch.command("[ -e '" + dir.file("mended") + "' ] || sleep 1000");
  const std::string jobs_bin = batch.pack(dir);
  const JobResult cut = run_parrun(3, batch.run_args(jobs_bin, {"--deadline", "2", "--quiet"}));
  EXPECT_EQ(cut.exit_code, 124);
  const auto states = recorded_states(dir.file("jobs.record"));
  EXPECT_EQ(
      std::count_if(states.begin(), states.end(), [](const auto& one) { return one.second == "succeeded"; }),
      20);
  EXPECT_EQ(states.at(20), "cancelled");
  EXPECT_THAT(cut.err, HasSubstr("go on with: mpirun ... parrun --resume --deadline 2 --quiet"));
  dir.write("mended", "");
  const JobResult rest = run_parrun(3, batch.run_args(jobs_bin, {"--resume", "--deadline", "30"}));
  EXPECT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_EQ(recorded_states(dir.file("jobs.record")).at(20), "succeeded");
}

TEST(RecordAtALimit, ARunWithNothingLeftToDoIsEndedByNoLimit) {
  const TempDir dir;
  const Batch batch = Batch().command("sleep 1000");
  const std::string jobs_bin = batch.pack(dir);
  EXPECT_EQ(run_parrun(2, batch.run_args(jobs_bin, {"--timeout", "0.5"})).exit_code, 124);
  const JobResult again = run_parrun(2, batch.run_args(jobs_bin, {"--timeout", "0.5", "--resume"}));
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("; --resume-failed runs what did not succeed again"));
}

// Who holds it.

TEST(HeldRecord, ASecondRunIsRefusedAndTheFirstGoesOn) {
  const TempDir dir;
  const Batch batch =
      Batch().call("echo", {"done"}).command("until [ -e '" + dir.file("go") + "' ]; do sleep 0.02; done");
  const std::string jobs_bin = batch.pack(dir);
  Job first = start_parrun(2, batch.run_args(jobs_bin));
  ASSERT_TRUE(wait_until([&] { return first.out() == "\"done\"\n"; }, 20s)) << first.err();
  for (const char* option : {"--resume", "--overwrite"}) {
    const JobResult second = run_parrun(2, batch.run_args(jobs_bin, {option}));
    EXPECT_EQ(second.exit_code, 2);
    EXPECT_EQ(second.out, "");
    EXPECT_THAT(second.err,
                AllOf(HasSubstr("in use by the run of process " + std::to_string(first.pid_of_rank(0))),
                      HasSubstr(host_name())));
  }
  const JobResult status = run_parrun(0, {"status", dir.file("jobs.record")});
  EXPECT_EQ(status.exit_code, 0) << status.err;
  EXPECT_THAT(status.out, AllOf(HasSubstr("running"), HasSubstr("2 tasks: 1 succeeded")));
  const JobResult results = run_parrun(0, {"results", dir.file("jobs.record"), "--stdout-of", "0"});
  EXPECT_EQ(results.exit_code, 0) << results.err;
  dir.write("go", "");
  EXPECT_EQ(first.wait(20s).exit_code, 0);
  first.expect_nothing_left();
  EXPECT_EQ(run_parrun(2, batch.run_args(jobs_bin, {"--resume"})).exit_code, 0);
}

// Bad places.

// A small file system of the test's own.
class SmallDisk {
 public:
  SmallDisk(const std::string& path, const std::string& options) : path_(path) {
    fs::create_directory(path);
    mounted_ = ::mount("tmpfs", path.c_str(), "tmpfs", 0, options.c_str()) == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_) ::umount(path_.c_str());
  }
  bool mounted() const { return mounted_; }
  bool remount(const std::string& options, unsigned long flags = 0) const {
    return ::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT | flags, options.c_str()) == 0;
  }

 private:
  std::string path_;
  bool mounted_ = false;
};

TEST(BadPlace, AFullDiskEndsTheRunInALineAndNothingRecordedIsLost) {
  const TempDir dir;
  const SmallDisk disk(dir.file("disk"), "size=1m");
  if (!disk.mounted()) GTEST_SKIP() << "only root may mount";
  const std::string record = dir.file("disk/jobs.record");
  Batch batch;
  for (int task = 0; task < 400; ++task)
    batch.command("head -c 4000 /dev/urandom | od -An -tx1 | head -c 8000");
  const std::string jobs_bin = batch.pack(dir);
  const std::vector<std::string> options{"--record", record, "--format", "jsonl"};
  const JobResult full = run_parrun(3, batch.run_args(jobs_bin, options));
  EXPECT_EQ(full.exit_code, 3) << full.err;
  EXPECT_THAT(full.err, AllOf(HasSubstr("the disk is full"), HasSubstr("--resume")));
  const auto printed = std::count(full.out.begin(), full.out.end(), '\n');
  ASSERT_TRUE(disk.remount("size=64m"));
  const auto recorded = static_cast<std::ptrdiff_t>(recorded_states(record).size());
  EXPECT_GT(recorded, 10);
  EXPECT_LT(recorded, 400);
  EXPECT_GE(recorded, printed) << "what was printed is recorded";
  const JobResult rest = run_parrun(3, batch.run_args(jobs_bin, {"--record", record, "--resume"}));
  EXPECT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_EQ(recorded_states(record).size(), 400U);
}

// As much as MPI's own files have.
TEST(BadPlace, AFileThatMayNotGrowIsAnErrorLikeAFullDisk) {
  const TempDir dir;
  Batch batch;
  for (int task = 0; task < 300; ++task) batch.command("head -c 60000 /dev/urandom");
  const std::string jobs_bin = batch.pack(dir);
  Job job({"/bin/sh", "-c", R"(ulimit -f 12000; exec "$0" "$1" >/dev/null)", PARRUN_BINARY, jobs_bin},
          with_mpi_environment({}));
  const JobResult result = job.wait(60s);
  EXPECT_EQ(result.exit_code, 3) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("jobs.record"), HasSubstr("--resume")));
  EXPECT_GT(recorded_states(dir.file("jobs.record")).size(), 10U);
}

TEST(BadPlace, AFolderThatCannotBeWrittenIsRefusedWithWhatToDo) {
  const TempDir dir;
  const SmallDisk disk(dir.file("disk"), "size=1m");
  if (!disk.mounted()) GTEST_SKIP() << "only root may mount";
  const Batch batch = Batch().command("echo must not run");
  const std::string jobs_bin = dir.file("disk/jobs.bin");
  fs::copy_file(batch.pack(dir), jobs_bin);
  ASSERT_TRUE(disk.remount("size=1m", MS_RDONLY));
  const JobResult refused = run_parrun(2, batch.run_args(jobs_bin));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_EQ(refused.out, "");
  EXPECT_THAT(refused.err, AllOf(HasSubstr("Read-only"), HasSubstr("--record"), HasSubstr("--no-record")));
  EXPECT_EQ(run_parrun(2, batch.run_args(jobs_bin, {"--no-record"})).exit_code, 0);
}

// A file system without what `fails` names, in the eyes of all programs of the run.
class PoorFileSystem : public ::testing::TestWithParam<const char*> {
 protected:
  RunOptions options() const {
    RunOptions run;
    run.env = {{"LD_PRELOAD", PARRUN_TEST_PROGRAMS_DIR "/poor_file_system.so"},
               {"PARRUN_TEST_FAILS", GetParam()}};
    return run;
  }
};

INSTANTIATE_TEST_SUITE_P(Without, PoorFileSystem, ::testing::Values("shm", "locks shm"));

TEST_P(PoorFileSystem, ARunIsRecordedAndResumed) {
  const TempDir dir;
  Batch batch;
  for (int task = 0; task < 50; ++task) batch.command("echo " + std::to_string(task));
  batch.command("[ -e '" + dir.file("mended") + "' ] || sleep 1000");
  const std::string jobs_bin = batch.pack(dir);
  const JobResult cut = run_parrun(3, batch.run_args(jobs_bin, {"--deadline", "3"}), options());
  EXPECT_EQ(cut.exit_code, 124) << cut.err;
  dir.write("mended", "");
  const JobResult rest = run_parrun(3, batch.run_args(jobs_bin, {"--resume"}), options());
  EXPECT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_EQ(rest.out, "");
  EXPECT_EQ(recorded_states(dir.file("jobs.record")).size(), 51U);
}

TEST_P(PoorFileSystem, ASecondRunOfThisHostIsRefused) {
  const TempDir dir;
  const Batch batch = Batch().call("echo", {"done"}).command("sleep 1000");
  const std::string jobs_bin = batch.pack(dir);
  Job first(parrun_argv(2, batch.run_args(jobs_bin)), with_mpi_environment(options()));
  ASSERT_TRUE(wait_until([&] { return first.out() == "\"done\"\n"; }, 20s)) << first.err();
  const JobResult second = run_parrun(2, batch.run_args(jobs_bin, {"--resume"}), options());
  EXPECT_EQ(second.exit_code, 2);
  EXPECT_THAT(second.err, HasSubstr("in use by the run"));
  kill(first.pid(), SIGKILL);
  first.wait(20s);
  first.expect_nothing_left(10s);
  EXPECT_EQ(run_parrun(2, batch.run_args(jobs_bin, {"--resume", "--deadline", "2"}), options()).exit_code,
            124)
      << "a dead one holds nothing";
}

// Slow disks.

RunOptions with_disk(const char* kind) {
  RunOptions run;
  run.env = {{"LD_PRELOAD", PARRUN_TEST_PROGRAMS_DIR "/poor_file_system.so"}, {"PARRUN_TEST_FAILS", kind}};
  return run;
}

// Which takes longer than the limit.
TEST(SlowDisk, IsWaitedForAsLongAsTheCheckOfABatchGoesOn) {
  const TempDir dir;
  Batch batch;
  for (int task = 0; task < 150; ++task) batch.call("echo", {std::string(50'000, 'x')});
  const JobResult result =
      run_parrun(3, batch.run_args(batch.pack(dir), {"--no-record", "--stall", "2"}), with_disk("late"));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("150 succeeded"));
}

TEST(SlowDisk, ThatDoesNotGiveTheBatchIsAStall) {
  const TempDir dir;
  const Batch batch = Batch().command("true");
  const JobResult result =
      run_parrun(2, batch.run_args(batch.pack(dir), {"--stall", "1"}), with_disk("unread"));
  EXPECT_EQ(result.exit_code, 124);
  EXPECT_THAT(result.err, HasSubstr("--stall"));
}

// The peak resident size [KiB].
long peak_kb(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
  }
  return 0;
}

TEST(SlowDisk, SlowsTheDispatchDownAndFillsNoMemory) {
  const TempDir dir;
  Batch batch;
  for (int task = 0; task < 3000; ++task) batch.command("head -c 5000000 /dev/zero");
  const std::string jobs_bin = batch.pack(dir);
  Job job(parrun_argv(3, batch.run_args(jobs_bin, {"--deadline", "7"})),
          with_mpi_environment(with_disk("slow")));
  const pid_t rank_0 = job.pid_of_rank(0);
  long peak = 0;
  EXPECT_TRUE(wait_until(
      [&] {
        peak = std::max(peak, peak_kb(rank_0));
        return job.ended();
      },
      20s));
  const JobResult result = job.wait(1s);
  EXPECT_EQ(result.exit_code, 124) << "its loop goes on while the disk is slow: " << result.err;
  EXPECT_LT(peak, 300'000);
  const auto printed = static_cast<std::ptrdiff_t>(result.out.size() / 5'000'000);
  EXPECT_GE(static_cast<std::ptrdiff_t>(recorded_states(dir.file("jobs.record")).size()), printed);
  EXPECT_GT(printed, 0);
  job.expect_nothing_left();
}

TEST(SlowDisk, HasTimeToTakeTheRunsEndWhereNobodyReadsTheResults) {
  const TempDir dir;
  Batch batch;
  for (int task = 0; task < 4; ++task) batch.command("head -c 5000000 /dev/zero");
  batch.command("sleep 1000");
  RunOptions run = with_disk("lazy");
  run.rank0_stdout = dir.file("fifo");
  const FullFifo fifo(run.rank0_stdout);
  const JobResult result = run_parrun(3, batch.run_args(batch.pack(dir), {"--deadline", "4"}), run);
  EXPECT_EQ(result.exit_code, 124) << result.err;
  const Database record(dir.file("jobs.record"), Database::Access::read_only);
  EXPECT_EQ(record.integer("SELECT count(*) FROM tasks WHERE state = 'succeeded'"), 4);
  EXPECT_EQ(record.integer("SELECT exit_code FROM runs"), 124);
}

TEST(SlowDisk, OneThatIsStuckEndsTheRunByItsLimits) {
  const TempDir dir;
  const Batch batch = Batch().command("echo never told");
  const std::string jobs_bin = batch.pack(dir);
  for (const std::vector<std::string>& limit :
       std::vector<std::vector<std::string>>{{"--deadline", "2"}, {"--stall", "2"}}) {
    std::vector<std::string> options = limit;
    options.push_back("--overwrite");
    const JobResult result = run_parrun(2, batch.run_args(jobs_bin, options), with_disk("stuck"));
    EXPECT_EQ(result.exit_code, 124) << result.err;
    EXPECT_EQ(result.out, "") << "what is not safe is not told";
    EXPECT_LT(result.seconds, 10);
  }
}

// A selection.

TEST_F(Recorded, WhatFailedIsABatchOfItsOwn) {
  run();
  const std::string again = dir.file("again.bin");
  const JobResult packed =
      Job({"sh", "-c",
           std::string(PARRUN_BINARY) + " results " + record + " --state failed --indices | " +
               PARRUN_BINARY + " pack --from " + jobs_bin + " --indices - -o " + again})
          .wait(10s);
  EXPECT_EQ(packed.exit_code, 0) << packed.err;
  dir.write("mended", "");
  const JobResult result = run_parrun(2, batch.run_args(again));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "3\n");
}

TEST_F(Recorded, ResultsAsJsonLinesAreWhatTheRunPrinted) {
  JobResult live = run({"--format", "jsonl", "--order", "submission"});
  const JobResult results = parrun({"results", record, "--format", "jsonl"});
  EXPECT_EQ(results.exit_code, 0) << results.err;
  EXPECT_EQ(results.out, live.out);
}

TEST_F(Recorded, TheQueriesOfTheReadmeAnswer) {
  run();
  const std::string readme = read_bytes(PARRUN_SOURCE_DIR "/README.md");
  const std::size_t begin = readme.find("```sql\n") + 7;
  const std::string sql = readme.substr(begin, readme.find("```", begin) - begin);
  ASSERT_EQ(std::count(sql.begin(), sql.end(), ';'), 3);
  const Database database(record, Database::Access::read_only);
  std::istringstream queries(sql);
  for (std::string query; std::getline(queries, query, ';') && query.find("SELECT") != query.npos;) {
    Statement statement = database.prepare(query);
    EXPECT_TRUE(statement.step()) << query << ": no row";
  }
}

TEST_F(Recorded, TheJoblogHasAllTasksAndGrowsWithAResumedRun) {
  const std::string log = dir.file("log");
  run({"--joblog", log});
  const std::string first = read_bytes(log);
  EXPECT_EQ(std::count(first.begin(), first.end(), '\n'), 11);
  EXPECT_THAT(first, HasSubstr("\t1\t0\techo 3; ["));
  dir.write("mended", "");
  run({"--joblog", log, "--resume-failed"});
  const std::string both = read_bytes(log);
  EXPECT_TRUE(both.starts_with(first));
  EXPECT_EQ(std::count(both.begin(), both.end(), '\n'), 12);
}

TEST(Joblog, OfCallsThatDoNotFitTheirFunctionAnyMoreEndsNoRun) {
  const TempDir dir;
  const std::string log = dir.file("log");
  write_batch(dir.file("jobs.bin"), {call("echo", "1234"), command("echo beside")});
  const JobResult result =
      run_parrun(3, {"--joblog", log, "--load", test_module(), "--timeout", "20", dir.file("jobs.bin")});
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_EQ(result.out, "beside\n");
  EXPECT_THAT(read_bytes(log), HasSubstr("\techo(4 bytes that cannot be shown here)\n"));
}

// Costs.

TEST(LongestFirst, TasksStartByTheirCostsAndThoseWithoutBeforeThem) {
  const TempDir dir;
  Batch batch;
  const std::vector<std::optional<double>> costs{1, 3, {}, 2, 3};
  for (std::size_t i = 0; i < costs.size(); ++i) {
    batch.command("echo " + std::to_string(i) + " >> '" + dir.file("started") + "'");
    if (costs[i]) batch.with("cost", *costs[i]);
  }
  const JobResult run =
      run_parrun(2, batch.run_args(batch.pack(dir), {"--order-by", "longest-first", "--timeout", "20"}));
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(read_bytes(dir.file("started")), "2\n1\n4\n3\n0\n");
}

TEST(LongestFirst, ABatchWithoutCostsRunsInItsOwnOrderAndThatIsSaid) {
  const TempDir dir;
  Batch batch;
  batch.command("echo 0").command("echo 1").command("echo 2");
  const std::string jobs = batch.pack(dir);
  const JobResult run =
      run_parrun(2, batch.run_args(jobs, {"--no-record", "--order-by", "longest-first", "--timeout", "20"}));
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.out, "0\n1\n2\n");
  EXPECT_THAT(run.err,
              HasSubstr("parrun: no task has a cost, so that --order-by longest-first changes nothing: "));
}

TEST(LongestFirst, CostsComeFromAnEarlierRunByLabelOrByNumber) {
  const TempDir dir;
  const auto task = [&](int number, const char* seconds) {
    return "echo " + std::to_string(number) + " >> '" + dir.file("started") + "'; sleep " + seconds;
  };
  Batch batch;
  batch.command(task(0, "0")).command(task(1, "1")).command(task(2, "0.5")).with("label", "two");
  batch.command(task(3, "1.5")).with("label", "three");
  const JobResult first = run_parrun(3, batch.run_args(batch.pack(dir), {"--timeout", "20"}));
  ASSERT_EQ(first.exit_code, 0) << first.err;

  dir.write("commands.jsonl", batch.json_lines());
  const JobResult pack = run_parrun(0, {"pack", dir.file("commands.jsonl"), "--jsonl", "--costs-from",
                                        dir.file("jobs.record"), "-o", dir.file("again.bin")});
  ASSERT_EQ(pack.exit_code, 0) << pack.err;
  fs::remove(dir.file("started"));
  const JobResult again = run_parrun(
      2, batch.run_args(dir.file("again.bin"), {"--order-by", "longest-first", "--timeout", "20"}));
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(read_bytes(dir.file("started")), "3\n1\n2\n0\n");
}

TEST(LongestFirst, OnlyOrdersThatThereAreAreTaken) {
  const JobResult run = run_parrun(0, {"--order-by", "size", "jobs.bin"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("--order-by: 'size' is not one of submission|longest-first"));
}

}  // namespace
}  // namespace parrun::test
