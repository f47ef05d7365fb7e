// kill -9 of anything at any moment: what had finished and was recorded is never done again, what was not
// finished is never taken for done, and a resumed run brings the batch to its end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <random>

#include "support/ledger.hpp"
#include "support/run_parrun.hpp"
#include "support/temp_dir.hpp"

namespace parrun::test {
namespace {

enum class Victim { rank_0, worker, mpirun, all };

class Kills : public ::testing::Test {
 protected:
  // More than the runs that are killed do: 30 on 3 workers, each of at most a second and half its start.
  static constexpr int kTasks = 2000;
  static constexpr double kTaskSeconds = 0.06;
  static constexpr int kRanks = 4;
  static constexpr int kKills = 30;

  void kill_one(const Job& job, Victim victim) {
    const std::vector<Process> processes = job.processes();
    const int rank = victim == Victim::rank_0 ? 0 : 1 + static_cast<int>(random() % (kRanks - 1));
    for (const Process& process : processes) {
      const bool is_mpirun = process.pid == job.pid();
      const bool is_rank = process.name == "parrun" && process.rank == rank && process.parent == job.pid();
      const bool chosen = victim == Victim::all || (victim == Victim::mpirun ? is_mpirun : is_rank);
      if (chosen) kill(process.pid, SIGKILL);
    }
  }

  // How long a run takes here until its first task has begun.
  Duration time_to_begin() {
    const TimePoint start = Clock::now();
    Job job = start_parrun(kRanks, batch.run_args(jobs_bin, {"--resume"}));
    EXPECT_TRUE(wait_until([&] { return std::ifstream(ledger).good(); }, 20s)) << job.err();
    const Duration taken = Clock::now() - start;
    kill_one(job, Victim::all);
    job.wait(20s);
    job.expect_nothing_left(20s);
    return taken;
  }

  // A run that is killed at a random moment, while it starts or works.
  void run_and_kill(Victim victim) {
    const std::map<int, std::string> before = recorded_states(record);
    const Ledger ledger_before(ledger);
    Job job = start_parrun(kRanks, batch.run_args(jobs_bin, {"--resume"}));
    const Duration span = to_begin + std::chrono::seconds(1);
    const Duration moment = to_begin / 2 + span * (random() % 1000) / 1000;
    EXPECT_FALSE(wait_until([&] { return job.ended(); }, moment)) << job.err();
    kill_one(job, victim);
    if (!wait_until([&] { return job.ended(); }, 1s))
      kill_one(job, Victim::all);  // the rank was not there yet
    job.wait(20s);
    job.expect_nothing_left(20s);
    expect_nothing_done_twice(before, ledger_before);
  }

  void expect_nothing_done_twice(const std::map<int, std::string>& before, const Ledger& ledger_before) {
    const Ledger now(ledger);
    for (const auto& [task, state] : before) {
      if (state != "succeeded") continue;
      const auto count = ledger_before.starts.find(task);
      EXPECT_EQ(now.starts.at(task), count == ledger_before.starts.end() ? 0 : count->second)
          << "task " << task << " was recorded as succeeded, and run again";
    }
    for (const auto& [task, state] : recorded_states(record)) {
      EXPECT_TRUE(state != "succeeded" || now.ends.contains(task)) << "task " << task << " did not finish";
    }
  }

  const TempDir dir;
  const std::string ledger = dir.file("ledger");
  const std::string record = dir.file("jobs.record");
  const Batch batch = ledger_batch(kTasks, ledger, kTaskSeconds);
  const std::string jobs_bin = batch.pack(dir);
  std::mt19937 random{20261124};
  const Duration to_begin = time_to_begin();
};

TEST_F(Kills, AtRandomMomentsLoseNothingThatWasRecordedAndDoNothingTwiceThatWas) {
  for (int i = 0; i < kKills; ++i) run_and_kill(static_cast<Victim>(i % 4));
  const std::size_t recorded = recorded_states(record).size();
  EXPECT_GT(recorded, 100U) << "the runs came to work at all";
  EXPECT_LT(recorded, kTasks) << "and did not end before the last kill";
  const JobResult last = run_parrun(2 * kRanks, batch.run_args(jobs_bin, {"--resume"}));
  EXPECT_EQ(last.exit_code, 0) << last.err;
  const std::map<int, std::string> states = recorded_states(record);
  EXPECT_EQ(states.size(), kTasks);
  for (const auto& [task, state] : states) EXPECT_EQ(state, "succeeded") << task;
  const Ledger all(ledger);
  EXPECT_EQ(all.ends.size(), kTasks);
  const int again = all.total_starts() - kTasks;
  RecordProperty("started_again", again);
  // In flight at a kill: what a worker executes, and what it ended since the last commit.
  EXPECT_LE(again, (kKills + 1) * 2 * (kRanks - 1));
}

}  // namespace
}  // namespace parrun::test
