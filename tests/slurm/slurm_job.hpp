#pragma once
// A job of SLURM's, as its user sees it.

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/job.hpp"

namespace parrun::test {

// Made by sbatch or salloc. Its processes carry the mark of that command (support/job.hpp), for SLURM hands
// the environment on. The destructor cancels what has not ended, and ends whatever is left.
class SlurmJob {
 public:
  /// Runs the command, and waits until it tells the job's id. Throws std::runtime_error where there is none.
  explicit SlurmJob(const std::vector<std::string>& command, const JobOptions& options);
  SlurmJob(SlurmJob&&) = default;
  SlurmJob& operator=(SlurmJob&&) = delete;
  ~SlurmJob();

  const std::string& id() const { return id_; }
  /// What `scontrol show job` tells under that name: JobState, ExitCode, Restarts, NodeList, ...
  std::string field(std::string_view name) const;
  /// The same of each job of an array.
  std::vector<std::string> fields(std::string_view name) const;
  std::string state() const { return field("JobState"); }
  /// As SLURM writes it: `CODE:SIGNAL`.
  std::string exit_code() const { return field("ExitCode"); }
  int restarts() const;
  double started_s() const;  ///< the last time [s since 1970]

  /// Each fails the test at its bound; returns whether it came to it.
  bool wait_for_state(std::string_view state, std::chrono::nanoseconds bound = 2min) const;
  /// Of an array, each of its jobs.
  bool wait_for_end(std::chrono::nanoseconds bound = 2min) const;
  /// Ended, in this state and with this code, and no process is left.
  void expect_end(std::string_view state, const ::testing::Matcher<std::string>& exit_code,
                  std::chrono::nanoseconds bound = 2min) const;

  /// Until it has ended: SLURM lets a requeued job wait for two minutes; not this one.
  void hurry_through_requeues(std::chrono::nanoseconds bound) const;

  /// `scancel OPTIONS ID`.
  void cancel(std::vector<std::string> options = {}) const;
  /// `scontrol update JobId=ID CHANGE`.
  void update(const std::string& change) const;

  /// sbatch or salloc itself.
  Job& command() const { return *command_; }

 private:
  bool has_ended() const;
  std::string description() const;

  std::unique_ptr<Job> command_;
  std::string id_;
};

/// Runs one of SLURM's commands, and returns what it writes. Fails the test where it does not succeed.
std::string slurm(const std::vector<std::string>& command);

}  // namespace parrun::test
