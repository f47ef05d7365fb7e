#pragma once
#include <mpi.h>

#include <memory>
#include <string>

namespace parrun {

// MPI_Init to MPI_Finalize. Any thread level from FUNNELED up will do; SERIALIZED is asked for, so that the
// watchdog's thread may abort while the main one is stuck outside MPI.
class MpiEnvironment {
 public:
  MpiEnvironment();
  MpiEnvironment(const MpiEnvironment&) = delete;
  MpiEnvironment& operator=(const MpiEnvironment&) = delete;
  /// Finalizes.
  ~MpiEnvironment();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

enum class ThreadLevel { single, funneled, serialized, multiple };

// These may be called on any thread.

/// MPI_Finalize was called: nothing else of MPI can be.
bool mpi_is_over();

/// Which MPI library this is, in its own words: "Open MPI v4.1.4".
std::string mpi_library();
/// What MPI_Init gave. REQUIRES: it was called.
ThreadLevel mpi_thread_level();

/// Ends all ranks at once with `exit_code`, 0 to 255. Does not return while MPI works; what is printed must
/// have been drained before.
[[noreturn]] void abort_job(int exit_code);

}  // namespace parrun
