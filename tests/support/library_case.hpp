#pragma once
// A program on the library (tests/mpi/programs) and its cases.

#include <string>

#include "support/run_parrun.hpp"
#include "support/temp_dir.hpp"

namespace parrun::test {

/// What cases print when they use the pool again.
inline constexpr const char* kSquares = "1\n4\n9\n";

struct LibraryProgram {
  const char* name;

  std::string path() const { return std::string(PARRUN_TEST_PROGRAMS_DIR "/") + name; }
  /// `ranks` 0: without mpirun.
  JobResult run(const std::string& which, int ranks = 3, const std::string& isolation = "process") const {
    const TempDir dir;
    RunOptions options;
    options.program = path();
    return run_parrun(ranks, {which, isolation, dir.file("marks")}, options);
  }
};

}  // namespace parrun::test
