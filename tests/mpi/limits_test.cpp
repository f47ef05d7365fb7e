// Every limit, in every phase of a run, under real mpirun.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "support/batch.hpp"
#include "support/ledger.hpp"
#include "support/run_parrun.hpp"
#include "support/temp_dir.hpp"
#include "support/timed_run.hpp"

namespace parrun::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kLimitReached = 124;

Batch marked(const TempDir& dir, int tasks) {
  Batch batch;
  batch.load(test_module("marks"));
  for (int i = 0; i < tasks; ++i) batch.call("marks_then_spins", {dir.file("marks")});
  return batch;
}

// The limit of a task.

class TaskLimit : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Isolation, TaskLimit, ::testing::Values("process", "none"),
                         [](const auto& isolation) { return std::string(isolation.param); });

TEST_P(TaskLimit, ThreeEndlessTasksOnTwoWorkersEndAtTheirLimit) {
  const TempDir dir;
  const Batch batch = marked(dir, 3);
  const TimedRun run(3, batch.run_args(batch.pack(dir), {"--isolation", GetParam(), "--timeout", "3"}));
  EXPECT_EQ(run.result.exit_code, kLimitReached);
  EXPECT_GE(run.since_first_mark(dir.file("marks")), 3.0);
  EXPECT_LE(run.since_first_mark(dir.file("marks")), 3.5);
  EXPECT_THAT(run.result.err, HasSubstr("reached its limit of 3.0 s on rank"));
  EXPECT_THAT(run.result.err, HasSubstr("task 1 was running on rank"));
}

TEST_P(TaskLimit, ResultsOfAllOthersAreDeliveredFirst) {
  const TempDir dir;
  Batch batch;
  batch.call("spins");
  for (int i = 0; i < 19; ++i) batch.call("echo", {"result " + std::to_string(i)});
  const JobResult result =
      run_parrun(3, batch.run_args(batch.pack(dir), {"--isolation", GetParam(), "--timeout", "2"}));
  EXPECT_EQ(result.exit_code, kLimitReached);
  for (int i = 0; i < 19; ++i) EXPECT_THAT(result.out, HasSubstr("\"result " + std::to_string(i) + "\"\n"));
}

TEST(TaskLimits, CountsFromTheTasksOwnStartWhateverWaitsBehindIt) {
  const TempDir dir;
  Batch batch = marked(dir, 1);
  for (int i = 0; i < 20; ++i) batch.call("sleeps", {1.0});
  const TimedRun run(3, batch.run_args(batch.pack(dir), {"--timeout", "3"}));
  EXPECT_EQ(run.result.exit_code, kLimitReached);
  EXPECT_GE(run.since_first_mark(dir.file("marks")), 3.0);
  EXPECT_LE(run.since_first_mark(dir.file("marks")), 3.5);
}

TEST(TaskLimits, EndsARunOfTasksBelowAndAboveIt) {
  const TempDir dir;
  Batch batch;
  for (int i = 0; i < 4; ++i) batch.call("sleeps", {1.5}).call("sleeps", {3.2});
  const JobResult result = run_parrun(3, batch.run_args(batch.pack(dir), {"--timeout", "2"}));
  EXPECT_EQ(result.exit_code, kLimitReached);
  EXPECT_LE(result.seconds, 5.5);
}

TEST(TaskLimits, NeverFiresForShortTasksThatAreGivenTogether) {
  const TempDir dir;
  Batch batch;
  for (int i = 0; i < 2000; ++i) batch.call("sleeps", {0.005});
  const JobResult result = run_parrun(3, batch.run_args(batch.pack(dir), {"--timeout", "0.1"}));
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST(TaskLimits, ShorterThanTheStartUpDoesNotFireBeforeATaskStarts) {
  const TempDir dir;
  const Batch batch = Batch().call("nothing").call("nothing");
  EXPECT_EQ(run_parrun(3, batch.run_args(batch.pack(dir), {"--timeout", "20ms"})).exit_code, 0);
}

TEST(TaskLimits, OfTheTaskItselfComesBeforeTheRuns) {
  const TempDir dir;
  const Batch batch = Batch().call("spins").with("timeout", 0.5).call("sleeps", {1.0});
  const JobResult result = run_parrun(3, batch.run_args(batch.pack(dir), {"--timeout", "60"}));
  EXPECT_EQ(result.exit_code, kLimitReached);
  EXPECT_THAT(result.err, HasSubstr("task 0 reached its limit of 0.5 s"));
}

TEST(TaskLimits, KillsTheTaskAloneWhereThatIsAskedFor) {
  const TempDir dir;
  Batch batch;
  for (int i = 0; i < 20; ++i) {
    i % 10 == 3 ? batch.call("leaves_grandchild", {true}) : batch.call("echo", {std::to_string(i)});
  }
  const JobResult result = run_parrun(
      3, batch.run_args(batch.pack(dir), {"--on-timeout", "kill", "--timeout", "1", "--format", "jsonl"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("20 tasks: 18 succeeded, 2 timed_out"));
}

// The limits of the run.

TEST(RunLimit, DeadlineEndsAnEndlessBatch) {
  const TempDir dir;
  const Batch batch = Batch().call("spins").command("sleep 1000");
  const JobResult result = run_parrun(3, batch.run_args(batch.pack(dir), {"--deadline", "2"}));
  EXPECT_EQ(result.exit_code, kLimitReached);
  EXPECT_THAT(result.err, HasSubstr("the run reached its deadline of 2.0 s"));
  EXPECT_LE(result.seconds, 3.5);
}

TEST(RunLimit, StallEndsARunInWhichNothingEnds) {
  const TempDir dir;
  Batch batch;
  for (int i = 0; i < 6; ++i) batch.call("sleeps", {0.4});
  batch.call("spins");
  const JobResult result = run_parrun(2, batch.run_args(batch.pack(dir), {"--stall", "1"}));
  EXPECT_EQ(result.exit_code, kLimitReached);
  EXPECT_THAT(result.err, HasSubstr("no task ended for 1.0 s"));
  EXPECT_THAT(result.err, HasSubstr("6 succeeded"));
}

TEST(RunLimit, HoldsForARankAlone) {
  const TempDir dir;
  const Batch batch = Batch().call("echo", {"done"}).call("spins");
  const JobResult result = run_parrun(0, batch.run_args(batch.pack(dir), {"--timeout", "1"}));
  EXPECT_EQ(result.exit_code, kLimitReached);
  EXPECT_EQ(result.out, "\"done\"\n");
}

// Each phase.

// Seconds from now to the job's end.
double ends_within(Job& job, JobResult& result) {
  const auto before = std::chrono::steady_clock::now();
  result = job.wait(30s);
  job.expect_nothing_left();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
}

// The rank's resident memory has grown by `bytes` since this was made.
class Growth {
 public:
  explicit Growth(pid_t pid) : path_("/proc/" + std::to_string(pid) + "/statm"), base_(resident()) {}
  bool reached(long bytes) const { return resident() >= base_ + bytes; }

 private:
  long resident() const {
    long size = 0;
    long pages = 0;
    std::ifstream(path_) >> size >> pages;
    return pages * 4096;
  }
  std::string path_;
  long base_;
};

TEST(PhaseLimit, RankStoppedInsideMpiInit) {
  const TempDir dir;
  const Batch batch = Batch().call("nothing");
  Job job = start_parrun(3, batch.run_args(batch.pack(dir), {"--deadline", "3"}));
  kill(job.pid_of_rank(1), SIGSTOP);
  JobResult result;
  EXPECT_LE(ends_within(job, result), 4.5);
  EXPECT_EQ(result.exit_code, kLimitReached);
}

TEST(PhaseLimit, WorkerStoppedBeforeItsFirstTask) {
  const TempDir dir;
  Batch batch = marked(dir, 1);
  Job job = start_parrun(3, batch.run_args(batch.pack(dir), {"--lost-after", "2"}));
  ASSERT_TRUE(wait_until([&] { return first_mark(dir.file("marks")).has_value(); }, 10s));
  // Each of the two has said hello by now; one has the only task.
  kill(job.pid_of_rank(2), SIGSTOP);
  JobResult result;
  const double seconds = ends_within(job, result);
  EXPECT_GE(seconds, 1.9);
  EXPECT_LE(seconds, 3.0);
  EXPECT_EQ(result.exit_code, kLimitReached);
  EXPECT_THAT(result.err, HasSubstr("rank 2 was silent for 2.0 s"));
}

TEST(PhaseLimit, WorkerStoppedWhileAPayloadIsOnItsWay) {
  const TempDir dir;
  const Batch batch = Batch().call("sleeps", {0.3}).call("echo", {std::string(64 << 20, 'x')});
  Job job = start_parrun(2, batch.run_args(batch.pack(dir), {"--lost-after", "2"}));
  const pid_t worker = job.pid_of_rank(1);
  const Growth growth(worker);
  ASSERT_TRUE(wait_until([&] { return growth.reached(48 << 20); }, 10s));
  kill(worker, SIGSTOP);
  JobResult result;
  EXPECT_LE(ends_within(job, result), 3.0);
  EXPECT_EQ(result.exit_code, kLimitReached);
  EXPECT_THAT(result.err, HasSubstr("rank 1 was silent"));
}

TEST(PhaseLimit, WorkerStoppedWhileItSendsAResult) {
  const TempDir dir;
  const Batch batch = Batch().call("echo", {"first"}).call("big", {64 << 20});
  Job job = start_parrun(2, batch.run_args(batch.pack(dir), {"--lost-after", "2"}));
  const pid_t worker = job.pid_of_rank(1);
  const Growth growth(worker);
  ASSERT_TRUE(wait_until([&] { return growth.reached(48 << 20); }, 10s));
  kill(worker, SIGSTOP);
  JobResult result;
  EXPECT_LE(ends_within(job, result), 3.0);
  EXPECT_EQ(result.exit_code, kLimitReached);
  EXPECT_THAT(result.out, HasSubstr("\"first\"\n"));
}

TEST(PhaseLimit, WorkerStoppedInTheMiddleOfATask) {
  const TempDir dir;
  const Batch batch = marked(dir, 1);
  Job job = start_parrun(2, batch.run_args(batch.pack(dir), {"--timeout", "2"}));
  const auto told = [&] { return seconds_since_first_mark(dir.file("marks")) > 0.3; };
  ASSERT_TRUE(wait_until(told, 10s));
  kill(job.pid_of_rank(1), SIGSTOP);
  JobResult result;
  ends_within(job, result);
  EXPECT_LE(seconds_since_first_mark(dir.file("marks")), 3.5)
      << "the limit, and a second for its worker to enforce it";
  EXPECT_EQ(result.exit_code, kLimitReached);
  EXPECT_THAT(result.err, HasSubstr("task 0 was running on rank 1"));
}

TEST(PhaseLimit, WorkerStoppedAtShutdownDoesNotChangeTheExitCode) {
  const TempDir dir;
  Batch batch;
  batch.load(test_module("marks")).call("marks_then_sleeps", {dir.file("marks"), 1.0});
  Job job = start_parrun(3, batch.run_args(batch.pack(dir), {"--lost-after", "2"}));
  ASSERT_TRUE(wait_until([&] { return first_mark(dir.file("marks")).has_value(); }, 10s));
  kill(job.pid_of_rank(2), SIGSTOP);
  JobResult result;
  EXPECT_LE(ends_within(job, result), 4.0);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "1\n");
  EXPECT_THAT(result.err, HasSubstr("rank 2 was silent"));
}

TEST(PhaseLimit, RankZerosStdoutIsAFullPipe) {
  const TempDir dir;
  const FullFifo fifo(dir.file("fifo"));
  Batch batch;
  for (int i = 0; i < 100; ++i) batch.call("big", {100000});
  RunOptions options;
  options.rank0_stdout = dir.file("fifo");
  const JobResult result = run_parrun(3, batch.run_args(batch.pack(dir), {"--deadline", "2"}), options);
  EXPECT_EQ(result.exit_code, kLimitReached);
  EXPECT_LE(result.seconds, 3.2);
}

TEST(PhaseLimit, StdoutOfARankAloneIsAFullPipe) {
  const TempDir dir;
  const Batch batch = Batch().call("big", {1000000}).call("spins");
  RunOptions options;
  options.stdout_unread = true;
  const JobResult result = run_parrun(0, batch.run_args(batch.pack(dir), {"--timeout", "1"}), options);
  EXPECT_EQ(result.exit_code, kLimitReached);
  EXPECT_LE(result.seconds, 3.0);
}

// mpirun has what they wrote, and passes it on to nobody.
TEST(UnreadOutput, OfARunThatIsDoneIsNotWaitedForBeyondTheDeadline) {
  const TempDir dir;
  Batch batch;
  for (int i = 0; i < 100; ++i) batch.call("big", {100000});
  RunOptions options;
  options.stdout_unread = true;
  Job job(parrun_argv(3, batch.run_args(batch.pack(dir), {"--deadline", "4"})),
          with_mpi_environment(options));
  const JobResult result = job.wait(30s);
  EXPECT_EQ(result.exit_code, 128 + SIGKILL) << result.err;
  job.expect_nothing_left();
}

// Tasks that resist.

class StubbornTask : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Of, StubbornTask,
                         ::testing::Values("ignores_sigterm", "blocks_all_signals",
                                           "spins_without_descriptors", "leaves_grandchild"),
                         [](const auto& name) { return std::string(name.param); });

TEST_P(StubbornTask, IsEndedByItsLimitWithAllItsDescendants) {
  const TempDir dir;
  Batch batch;
  const bool has_argument = GetParam() == std::string("leaves_grandchild");
  batch.call("echo", {"kept"})
      .call(GetParam(), has_argument ? std::vector<Batch::Json>{true} : std::vector<Batch::Json>{});
  const JobResult result = run_parrun(3, batch.run_args(batch.pack(dir), {"--timeout", "1"}));
  EXPECT_EQ(result.exit_code, kLimitReached);
  EXPECT_EQ(result.out, "\"kept\"\n");
  EXPECT_LE(result.seconds, 3.0);
}

// A seeded mixture, 10 runs each: none hangs, each ends within a second of its limit (and mpirun's start).
class MixedBag : public ::testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seed, MixedBag, ::testing::Range(1U, 4U));

TEST_P(MixedBag, TenRunsInARowAllEnd) {
  const std::vector<std::string> kinds{"spins", "ignores_sigterm", "blocks_all_signals",
                                       "spins_without_descriptors"};
  std::mt19937 random(GetParam());
  for (int round = 0; round < 10; ++round) {
    const TempDir dir;
    Batch batch = marked(dir, 1);
    for (int i = 0; i < 8; ++i) {
      random() % 2 == 0 ? batch.call(kinds[random() % kinds.size()]) : batch.call("echo", {"fine"});
    }
    const TimedRun run(static_cast<int>(2 + random() % 4),
                       batch.run_args(batch.pack(dir), {"--timeout", "0.5"}));
    EXPECT_EQ(run.result.exit_code, kLimitReached);
    EXPECT_LE(run.since_first_mark(dir.file("marks")), 1.5);
  }
}

// Limits that mean never.

class LongestLimit : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Option, LongestLimit,
                         ::testing::Values("timeout", "deadline", "stall", "margin", "lost-after", "grace",
                                           "retry-delay", "cpu-limit"),
                         [](const auto& option) {
                           std::string name = option.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(LongestLimit, IsNeverReached) {
  const TempDir dir;
  const std::string jobs_bin = Batch().command("sleep 0.1; echo ran").pack(dir);
  for (const int ranks : {0, 3}) {
    const JobResult result =
        run_parrun(ranks, {"--overwrite", std::string("--") + GetParam(), "36500d", jobs_bin});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.out, "ran\n");
  }
}

TEST(LongestDelay, OfARetryOutlastsTheRun) {
  const TempDir dir;
  const std::string jobs_bin = Batch().command("echo tried; exit 1").pack(dir);
  const JobResult result =
      run_parrun(2, {"--retries", "3", "--retry-delay", "36500d", "--deadline", "2", jobs_bin});
  EXPECT_EQ(result.exit_code, kLimitReached) << result.err;
  EXPECT_THAT(result.err, Not(HasSubstr("attempt 3 follows")));
}

// What is left behind.

class Killed : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Rank, Killed, ::testing::Values(-1, 0, 1), [](const auto& rank) {
  return rank.param < 0 ? "mpirun" : "rank" + std::to_string(rank.param);
});

TEST_P(Killed, LeavesNoProcessBehind) {
  const TempDir dir;
  Batch batch = marked(dir, 1);
  batch.call("leaves_grandchild", {true}).command("setsid sleep 1000");
  Job job = start_parrun(4, batch.run_args(batch.pack(dir)));
  ASSERT_TRUE(wait_until([&] { return seconds_since_first_mark(dir.file("marks")) > 0.2; }, 10s));
  kill(GetParam() < 0 ? job.pid() : job.pid_of_rank(GetParam()), SIGKILL);
  job.wait(20s);
  job.expect_nothing_left(5s);
}

TEST(Stopped, AZygoteThatATaskHasStoppedEndsItAtItsLimitAllTheSame) {
  const TempDir dir;
  Batch batch;
  batch.command("kill -STOP $(ps -o ppid= -p $PPID); sleep 1000").command("echo fine");
  const JobResult result =
      run_parrun(2, batch.run_args(batch.pack(dir), {"--timeout", "1", "--on-timeout", "kill"}));
  EXPECT_EQ(result.exit_code, 1) << result.err;
  EXPECT_EQ(recorded_states(dir.file("jobs.record")),
            (std::map<int, std::string>{{0, "timed_out"}, {1, "succeeded"}}));
}

TEST(Stopped, ZygotesWakeUpAndEndTheirTasksWhenTheirRanksAreGone) {
  const TempDir dir;
  const Batch batch = marked(dir, 2);
  Job job = start_parrun(3, batch.run_args(batch.pack(dir), {"--timeout", "1"}));
  ASSERT_TRUE(wait_until([&] { return first_mark(dir.file("marks")).has_value(); }, 10s));
  for (const Process& process : job.processes()) {
    if (process.name == "parrun-zygote") kill(process.pid, SIGSTOP);
  }
  EXPECT_EQ(job.wait(10s).exit_code, kLimitReached);
  job.expect_nothing_left(5s);
}

}  // namespace
}  // namespace parrun::test
