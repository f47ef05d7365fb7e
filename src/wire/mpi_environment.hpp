#pragma once
#include <mpi.h>

#include <memory>

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

/// Ends all ranks at once with `exit_code`, 0 to 255. Does not return while MPI works; what is printed must
/// have been drained before.
[[noreturn]] void abort_job(int exit_code);

}  // namespace parrun
