// Signals that end a run: what runs has its grace, nothing that finished is lost, and the run can be gone on
// with.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "support/batches.hpp"
#include "support/harm.hpp"
#include "support/ledger.hpp"
#include "support/run_parrun.hpp"
#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"

namespace parrun::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string name_of(int number) { return std::string("SIG") + sigabbrev_np(number); }

// Ten short tasks, then 22 that wait for a file `go`: of three ranks two are workers, and have one of them
// each.
class Signalled : public ::testing::Test {
 protected:
  static constexpr int kRanks = 3;
  static constexpr int kShort = 10;
  static constexpr int kTasks = kShort + 22;

  void SetUp() override {
    for (int i = 0; i < kShort; ++i) batch.command("echo short");
    for (int i = 0; i < kTasks - kShort; ++i) batch.command(waiting_task());
    jobs_bin = batch.pack(dir);
  }
  std::string waiting_task(const std::string& last = "echo waited") const {
    return "touch '" + dir.file("waits") + "'.$PARRUN_TASK_INDEX; until [ -e '" + dir.file("go") +
           "' ]; do sleep 0.02; done; " + last;
  }
  std::ptrdiff_t waiting() const {
    return std::count_if(std::filesystem::directory_iterator(dir.path()), {}, [](const auto& entry) {
      return entry.path().filename().string().starts_with("waits.");
    });
  }
  /// Started, and come to those that wait.
  void start(std::vector<std::string> options = {}) {
    RunOptions run;
    run.patient_mpirun = true;
    job = std::make_unique<Job>(parrun_argv(kRanks, batch.run_args(jobs_bin, std::move(options))),
                                with_mpi_environment(run));
    ASSERT_TRUE(wait_until([&] { return waiting() == kRanks - 1 && short_ones() == kShort; }, 20s))
        << job->err();
  }
  std::ptrdiff_t short_ones() const {
    const std::string out = job->out();
    return std::count(out.begin(), out.end(), '\n');
  }
  bool told(const std::string& text) {
    return wait_until([&] { return job->err().find(text) != std::string::npos; }, 10s);
  }
  void let_go() { dir.write("go", ""); }
  /// How often each rank has gone to sleep by itself, as it does behind its looks for messages.
  std::vector<long> sleeps() const {
    std::vector<long> all;
    for (const pid_t rank : ranks()) {
      const std::string status = read_bytes("/proc/" + std::to_string(rank) + "/status");
      const std::string name = "\nvoluntary_ctxt_switches:";
      const auto at = status.find(name);
      all.push_back(at == status.npos ? -1 : std::stol(status.substr(at + name.size())));
    }
    return all;
  }
  /// A worker that has not heard of the signal when its task ends would begin one more.
  void let_go_when_all_have_heard() {
    constexpr long kLooks = 30;  // at what rank 0 has told them by the first few
    const std::vector<long> before = sleeps();
    EXPECT_TRUE(wait_until(
        [&] {
          const std::vector<long> now = sleeps();
          return std::ranges::equal(now, before, [](long a, long b) { return a >= b + kLooks; });
        },
        10s));
    let_go();
  }
  /// What a run that ended in good order told, and left.
  void expect_orderly_end(const JobResult& result, int number) {
    EXPECT_EQ(result.exit_code, 128 + number) << result.err;
    EXPECT_EQ(count(result.err, name_of(number) + " ends the run: nothing more is started"), 1) << result.err;
    EXPECT_THAT(result.err, HasSubstr("go on with: mpirun ... parrun --resume"));
    EXPECT_EQ(count(result.out, "waited\n"), 2) << result.out;
    job->expect_nothing_left();
  }
  void expect_the_rest_by_resuming() {
    let_go();
    const JobResult rest = run_parrun(kRanks, batch.run_args(jobs_bin, {"--resume"}));
    EXPECT_EQ(rest.exit_code, 0) << rest.err;
    EXPECT_EQ(recorded_states(dir.file("jobs.record")).size(), static_cast<std::size_t>(kTasks));
  }
  static int count(const std::string& text, const std::string& part) {
    int found = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++found;
    return found;
  }
  /// The executors' parents: of ranks that hear signals.
  std::ptrdiff_t zygotes() const {
    const auto processes = job->processes();
    return std::count_if(processes.begin(), processes.end(),
                         [](const Process& one) { return one.name == "parrun-zygote"; });
  }
  std::vector<pid_t> ranks() const {
    std::vector<pid_t> pids;
    for (int rank = 0; rank < kRanks; ++rank) pids.push_back(job->pid_of_rank(rank));
    return pids;
  }

  const TempDir dir;
  Batch batch;
  std::string jobs_bin;
  std::unique_ptr<Job> job;
};

class EachSignal : public Signalled, public ::testing::WithParamInterface<int> {};

INSTANTIATE_TEST_SUITE_P(Each, EachSignal, ::testing::Values(SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2),
                         [](const auto& one) { return sigabbrev_np(one.param); });

TEST_P(EachSignal, ToRankZeroLetsWhatRunsEndAndTheRestIsResumed) {
  ASSERT_NO_FATAL_FAILURE(start());
  kill(job->pid_of_rank(0), GetParam());
  EXPECT_TRUE(told("ends the run"));
  let_go_when_all_have_heard();
  expect_orderly_end(job->wait(20s), GetParam());
  expect_the_rest_by_resuming();
}

TEST_P(EachSignal, ToEveryRankAndTwiceWithinASecondCountsOnce) {
  ASSERT_NO_FATAL_FAILURE(start());
  for (int i = 0; i < 2; ++i) {
    for (const pid_t rank : ranks()) kill(rank, GetParam());
  }
  EXPECT_TRUE(told("ends the run"));
  let_go_when_all_have_heard();
  expect_orderly_end(job->wait(20s), GetParam());
}

// As SLURM may do it: rank 0 is not among those who hear.
TEST_F(Signalled, ToAWorkerAloneEndsTheRunInGoodOrderToo) {
  ASSERT_NO_FATAL_FAILURE(start());
  kill(job->pid_of_rank(2), SIGUSR1);
  EXPECT_TRUE(told("ends the run"));
  let_go_when_all_have_heard();
  expect_orderly_end(job->wait(20s), SIGUSR1);
}

// mpirun passes USR1 and USR2 on, and answers the others by ending its ranks within a second or two.
TEST_P(EachSignal, ToMpirunLosesNothingThatFinished) {
  ASSERT_NO_FATAL_FAILURE(start());
  kill(job->pid(), GetParam());
  const bool passed_on = GetParam() == SIGUSR1 || GetParam() == SIGUSR2;
  if (passed_on) {
    EXPECT_TRUE(told("ends the run"));
    let_go_when_all_have_heard();
    expect_orderly_end(job->wait(20s), GetParam());
  } else {
    const JobResult result = job->wait(20s);
    EXPECT_NE(result.exit_code, 0);
    EXPECT_THAT(result.err, AllOf(HasSubstr("ends the run"), HasSubstr("32 tasks: 10 succeeded"),
                                  HasSubstr("go on with: mpirun ... parrun --resume")));
    job->expect_nothing_left();
    EXPECT_GE(recorded_states(dir.file("jobs.record")).size(), 10U);
  }
  expect_the_rest_by_resuming();
}

// As SLURM sends it to a step.
TEST_P(EachSignal, ToTheTasksTooIsNoFailureOfTheirs) {
  ASSERT_NO_FATAL_FAILURE(start());
  for (const Process& process : job->processes()) {
    if (process.pid != job->pid()) kill(process.pid, GetParam());
  }
  const JobResult result = job->wait(20s);
  EXPECT_EQ(result.exit_code, 128 + GetParam()) << result.err;
  EXPECT_THAT(result.err, HasSubstr("10 succeeded, 2 cancelled, 20 not started"));
  job->expect_nothing_left();
  expect_the_rest_by_resuming();
}

// Two tasks that wait, one on each worker. The signal that ends the run reaches them too, the first one
// before the other.
class SignalledBeforeHalt : public Signalled, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    for (int task = 0; task < 2; ++task)
      batch.command("echo $$ > '" + pid_file(task) + "'; until [ -e '" + dir.file("go") +
                    "' ]; do sleep 0.02; done; echo waited");
    jobs_bin = batch.pack(dir);
  }
  std::string pid_file(int task) const { return dir.file("pid." + std::to_string(task)); }
  void signal_task(int task) { ::kill(pids_in(pid_file(task)).at(0), SIGTERM); }
  void signal_run_and_first_task() {
    job = std::make_unique<Job>(
        parrun_argv(kRanks, batch.run_args(jobs_bin, {"--halt", GetParam(), "--format", "jsonl"})),
        with_mpi_environment({}));
    const auto both_run = [&] { return pids_in(pid_file(0)).size() + pids_in(pid_file(1)).size() == 2; };
    ASSERT_TRUE(wait_until(both_run, 20s)) << job->err();
    ::kill(job->pid_of_rank(0), SIGTERM);
    EXPECT_TRUE(told("ends the run"));
    signal_task(0);
    EXPECT_TRUE(wait_until([&] { return !job->out().empty(); }, 10s)) << job->err();
  }
  void expect_end(const std::string& states) {
    const JobResult result = job->wait(20s);
    EXPECT_EQ(result.exit_code, 128 + SIGTERM) << result.err;
    EXPECT_THAT(result.err,
                AllOf(HasSubstr("2 tasks: " + states + ";"), Not(HasSubstr("fail=1 ends the run"))));
    job->expect_nothing_left();
  }
};

INSTANTIATE_TEST_SUITE_P(At, SignalledBeforeHalt, ::testing::Values("soon,fail=1", "now,fail=1"),
                         [](const auto& rule) {
                           return std::string(rule.param, 4) == "soon" ? "Soon" : "Now";
                         });

TEST_P(SignalledBeforeHalt, NoTaskThatTheSignalEndsIsAFailure) {
  ASSERT_NO_FATAL_FAILURE(signal_run_and_first_task());
  signal_task(1);
  expect_end("0 succeeded, 2 cancelled");
}

TEST_P(SignalledBeforeHalt, WhatRunsHasItsGraceAllTheSame) {
  ASSERT_NO_FATAL_FAILURE(signal_run_and_first_task());
  let_go();
  expect_end("1 succeeded, 1 cancelled");
}

// The executors' parent process is there before MPI is, which takes a while to come.
TEST_F(Signalled, ThatComesWhileTheRunStartsEndsItBeforeAnyTask) {
  job = std::make_unique<Job>(parrun_argv(0, batch.run_args(jobs_bin)), with_mpi_environment({}));
  ASSERT_TRUE(wait_until([&] { return zygotes() > 0; }, 20s, 1ms));
  ::kill(job->pid(), SIGUSR1);
  const JobResult result = job->wait(30s);
  EXPECT_EQ(result.exit_code, 128 + SIGUSR1);
  EXPECT_EQ(result.out, "") << "no task has run";
  EXPECT_THAT(result.err, HasSubstr("SIGUSR1 ends the run"));
}

TEST_F(Signalled, ThatComesWhileADiskIsWaitedForEndsTheRunAtOnce) {
  RunOptions run;
  run.env = {{"LD_PRELOAD", PARRUN_TEST_PROGRAMS_DIR "/poor_file_system.so"},
             {"PARRUN_TEST_FAILS", "unread"}};
  for (const int ranks : {0, kRanks}) {
    job = std::make_unique<Job>(parrun_argv(ranks, batch.run_args(jobs_bin)), with_mpi_environment(run));
    ASSERT_TRUE(wait_until([&] { return zygotes() == std::max(1, ranks); }, 20s)) << job->err();
    ::kill(ranks == 0 ? job->pid() : job->pid_of_rank(0), SIGTERM);
    const JobResult result = job->wait(10s);
    EXPECT_EQ(result.exit_code, 128 + SIGTERM) << result.err;
    EXPECT_THAT(result.err, HasSubstr("SIGTERM ends the run"));
    job->expect_nothing_left();
  }
}

TEST_F(Signalled, WhatRunsBeyondItsGraceIsKilled) {
  ASSERT_NO_FATAL_FAILURE(start({"--grace", "1"}));
  kill(job->pid_of_rank(0), SIGTERM);
  EXPECT_TRUE(told("ends the run"));
  const auto begin = std::chrono::steady_clock::now();
  const JobResult result = job->wait(20s);
  EXPECT_LE(std::chrono::steady_clock::now() - begin, 5s);
  EXPECT_EQ(result.exit_code, 128 + SIGTERM);
  EXPECT_THAT(result.err, HasSubstr("what still ran 1.0 s after SIGTERM (--grace) is ended"));
  EXPECT_THAT(result.err, HasSubstr("10 succeeded, 2 cancelled, 20 not started"));
  job->expect_nothing_left();
  expect_the_rest_by_resuming();
}

TEST_F(Signalled, ASecondSignalEndsTheRunAtOnce) {
  ASSERT_NO_FATAL_FAILURE(start({"--grace", "36500d"}));
  kill(job->pid_of_rank(0), SIGTERM);
  EXPECT_TRUE(told("ends the run"));
  std::this_thread::sleep_for(1100ms);  // sooner it would be the same cause
  const auto begin = std::chrono::steady_clock::now();
  kill(job->pid_of_rank(1), SIGINT);
  const JobResult result = job->wait(20s);
  EXPECT_LE(std::chrono::steady_clock::now() - begin, 4s);
  EXPECT_EQ(result.exit_code, 128 + SIGTERM);
  EXPECT_THAT(result.err, HasSubstr("SIGTERM, again, ends the run"));
  EXPECT_THAT(result.err, HasSubstr("10 succeeded, 2 cancelled"));
  job->expect_nothing_left();
  expect_the_rest_by_resuming();
}

// As ^C in a terminal: to the whole process group.
TEST_F(Signalled, ATaskSeesNoSignalButOurs) {
  batch =
      Batch().command("trap 'touch \"" + dir.file("seen") + "\"' INT TERM HUP USR1 USR2; " + waiting_task());
  jobs_bin = batch.pack(dir);
  job = std::make_unique<Job>(parrun_argv(0, batch.run_args(jobs_bin)), with_mpi_environment({}));
  ASSERT_TRUE(wait_until([&] { return waiting() == 1; }, 20s)) << job->err();
  kill(-job->pid(), SIGINT);
  EXPECT_TRUE(told("SIGINT ends the run"));
  let_go();
  const JobResult result = job->wait(20s);
  EXPECT_EQ(result.exit_code, 128 + SIGINT);
  EXPECT_EQ(result.out, "waited\n");
  EXPECT_FALSE(std::filesystem::exists(dir.file("seen")));
  job->expect_nothing_left();
}

TEST_F(Signalled, WhatWouldBeTriedAgainIsLeftToTheResumedRun) {
  batch = Batch().command(waiting_task("[ -e '" + dir.file("mended") + "' ]"));
  jobs_bin = batch.pack(dir);
  job = std::make_unique<Job>(parrun_argv(2, batch.run_args(jobs_bin, {"--retries", "3"})),
                              with_mpi_environment({}));
  ASSERT_TRUE(wait_until([&] { return waiting() == 1; }, 20s)) << job->err();
  kill(job->pid_of_rank(0), SIGUSR1);
  EXPECT_TRUE(told("ends the run"));
  let_go();
  EXPECT_EQ(job->wait(20s).exit_code, 128 + SIGUSR1);
  EXPECT_TRUE(recorded_states(dir.file("jobs.record")).empty());
  dir.write("mended", "");
  EXPECT_EQ(run_parrun(2, batch.run_args(jobs_bin, {"--resume"})).exit_code, 0);
}

}  // namespace
}  // namespace parrun::test
