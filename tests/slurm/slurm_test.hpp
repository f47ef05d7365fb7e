#pragma once
// Tests in a real SLURM of virtual nodes (up.sh). They run side by side: a job takes the nodes that it is
// given.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "slurm/slurm_job.hpp"
#include "support/ledger.hpp"
#include "support/temp_dir.hpp"

namespace parrun::test {

enum class Launcher { mpirun, srun };

std::string name_of(Launcher launcher);
inline void PrintTo(Launcher launcher, std::ostream* out) { *out << name_of(launcher); }

// A folder, in it a batch, and jobs that are submitted from there.
class SlurmTest : public ::testing::Test {
 protected:
  /// Skips the test where there is no SLURM, with the reason.
  void SetUp() override;

  /// Packs `batch` to jobs.bin, whose record will be jobs.record.
  void pack();
  /// The same, of tasks that keep a ledger: `ledger()`.
  void pack_ledger(int count, double seconds);

  /// The command line that runs jobs.bin by that launcher: `mpirun parrun OPTIONS --load ... jobs.bin`.
  std::string run_line(Launcher launcher, const std::string& options = "") const;

  /// A job of this script: on two nodes with three ranks, for a minute, if the options do not say
  /// otherwise.
  SlurmJob submit(const std::string& script, const std::vector<std::string>& options = {}) const;
  /// The command within an allocation, by salloc.
  SlurmJob allocate(const std::string& command, const std::vector<std::string>& options = {}) const;

  /// What the jobs of this test have written.
  std::string out() const;
  std::string err() const;
  /// Waits for as many ends of tasks in the ledger. Fails the test, with what the job wrote, at the bound.
  bool wait_for_ends(std::size_t tasks, std::chrono::nanoseconds bound = 1min) const;

  Ledger ledger() const { return Ledger(dir.file("ledger")); }
  std::map<int, std::string> states() const { return recorded_states(dir.file("jobs.record")); }
  /// The column `host` names each node of the job's, of which there are so many, and none other.
  void expect_all_nodes_named(const SlurmJob& job, std::size_t nodes) const;

  /// The end of the last run, as it is recorded, after the job's start [s].
  double run_ended_after_s(const SlurmJob& job) const;
  /// The same of the last recorded task: mpirun kills what is not gone a second after its SIGTERM, be the
  /// run's end recorded or not.
  double last_end_after_s(const SlurmJob& job) const;
  /// What is recorded has succeeded; and of what has ended no more is missing than a kill may have met on its
  /// way.
  void expect_nothing_finished_lost() const;
  /// And nothing was met: what was started has ended, and is recorded.
  void expect_ended_in_good_order() const;
  /// The batch is done; what had succeeded before was not run again.
  void expect_done_after(const std::map<int, std::string>& before, const Ledger& then) const;
  /// The same by a further job, with --resume.
  void expect_the_rest_by_resuming(Launcher launcher) const;
  void expect_each_task_once() const;

  const TempDir dir;
  Batch batch;
  std::size_t tasks = 0;  ///< in jobs.bin
};

/// Of tests that are the same for each way to start the ranks.
class EachLauncher : public SlurmTest, public ::testing::WithParamInterface<Launcher> {
 protected:
  std::string run_line(const std::string& options = "") const {
    return SlurmTest::run_line(GetParam(), options);
  }
  /// The exit code that SLURM shows. mpirun may tell of its own end instead: 1, or 205 where a daemon of its
  /// left.
  ::testing::Matcher<std::string> after_term() const {
    if (GetParam() == Launcher::srun) return "143:0";
    return ::testing::AnyOf("143:0", "1:0", "205:0");
  }
};

}  // namespace parrun::test
