#pragma once
// A command that a test runs and of which it wants to know everything: what it wrote, when it ended, and
// which processes it left behind.

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/processes.hpp"
#include "support/spawn.hpp"
#include "support/wait_until.hpp"

namespace parrun::test {

struct JobResult {
  int exit_code = -1;  ///< as a shell reports it: 128 + signal; -1 where it did not end within the limit
  std::string out;
  std::string err;
  double seconds = 0;  ///< from start to end [s]
};

struct JobOptions {
  Environment env;  ///< beyond this process's own
  std::string cwd;  ///< empty: this process's
  std::string stdin_path = "/dev/null";
  bool patient_mpirun = false;  ///< mpirun waits a second between SIGTERM and SIGKILL, as it does by default
  bool stdout_unread = false;   ///< stdout is a pipe of one page that is open and that nobody reads
};

// Starts the command in a process group of its own, and marks it and all its descendants by a unique
// environment variable PARRUN_TEST_JOB. The destructor ends whatever is left of them.
class Job {
 public:
  /// Throws std::system_error where the program cannot be started.
  explicit Job(const std::vector<std::string>& argv, const JobOptions& options = {});
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  ~Job();

  /// Waits for the command's end. At `limit` it fails the test, showing what still ran, and kills the whole
  /// job.
  JobResult wait(std::chrono::nanoseconds limit);

  pid_t pid() const { return pid_; }
  bool ended() const;
  std::string out() const;  ///< so far
  std::string err() const;

  /// The live processes of this job, descendants in other sessions included.
  std::vector<Process> processes() const { return processes_with(tag_); }

  /// Waits for processes() to become empty; at `bound` fails the test with the list. Call it after wait().
  void expect_nothing_left(std::chrono::nanoseconds bound = 3s) const;

  /// The process of an MPI rank: the child of this job's mpirun, not what it forked in turn (executors carry
  /// the same environment). Waits for it to run the program called `name`; throws std::runtime_error where
  /// that does not happen within `bound`.
  pid_t pid_of_rank(int rank, std::string_view name = "parrun", std::chrono::nanoseconds bound = 10s) const;

 private:
  void watch();
  void drain();
  bool take_in(const Descriptor& pipe, std::string& text);
  bool reap();
  void kill_everything();

  std::vector<std::string> argv_;
  std::string tag_;  // PARRUN_TEST_JOB=...
  pid_t pid_ = 0;
  std::chrono::steady_clock::time_point started_;
  Descriptor out_pipe_, err_pipe_;  // used by the watcher alone once it runs
  bool stdout_unread_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable end_;
  bool ended_ = false;
  JobResult result_;

  std::jthread watcher_;  // last: joined before what it uses goes
};

}  // namespace parrun::test
