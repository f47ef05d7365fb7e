#pragma once
// The parrun program under test, as its users run it.

#include <string>
#include <vector>

#include "support/job.hpp"

namespace parrun::test {

struct RunOptions : JobOptions {
  /// Where rank 0's stdout goes in place of mpirun: a file or a fifo. (mpirun reads its ranks' output and
  /// keeps it, so only thus can rank 0 itself meet a full pipe.) Ignored without mpirun.
  std::string rank0_stdout;
  std::string program = PARRUN_BINARY;
  std::chrono::nanoseconds limit = 60s;  ///< of run_parrun()
};

/// The command line: `mpirun -n RANKS PROGRAM ARGS`, or without mpirun where `ranks` is 0.
std::vector<std::string> parrun_argv(int ranks, const std::vector<std::string>& args,
                                     const RunOptions& options = {});

/// `options` with what Open MPI wants to run as root and with more ranks than cores.
JobOptions with_mpi_environment(JobOptions options);

/// Starts it and returns at once. With mpirun a Job's pid() is mpirun's.
inline Job start_parrun(int ranks, const std::vector<std::string>& args, const RunOptions& options = {}) {
  return Job(parrun_argv(ranks, args, options), with_mpi_environment(options));
}

/// Runs it to its end, and fails the test where it takes longer than the limit or leaves a process behind.
JobResult run_parrun(int ranks, const std::vector<std::string>& args, const RunOptions& options = {});

/// A fifo that is open, full, and read by nobody: whoever writes to it blocks.
class FullFifo {
 public:
  /// REQUIRES: `path` does not exist. Throws std::system_error.
  explicit FullFifo(const std::string& path);

 private:
  Descriptor fifo_;
};

}  // namespace parrun::test
