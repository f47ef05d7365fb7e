#pragma once
// A process that is all ours: what it needs for as long as it lives, in the order in which it must come to
// be: an ear for signals, the executors' zygotes before MPI, MPI, then this rank's session over all ranks.

#include <functional>
#include <memory>
#include <optional>

#include "exec/local_executors.hpp"
#include "run/session.hpp"
#include "wire/mpi_environment.hpp"

namespace parrun {

class Program {
 public:
  struct Options {
    TimePoint start;                   ///< of the process
    std::optional<Duration> deadline;  ///< holds for MPI_Init too, as does a multiple of lost_after
    Duration lost_after{};
    ExecutorSettings executors = {};
    int local_executors = 1;
    bool signals_end_the_run = false;  ///< those that would end this rank; see Session::graceful()
    /// Begins what goes on while MPI starts, on threads of its own.
    std::function<void()> beside_mpi = [] {};
  };

  /// Until when all that is before MPI, and MPI itself, must be there.
  static TimePoint start_up_limit(const Options& options);

  /// REQUIRES: one thread, before MPI_Init. Signals are heard from here on: SLURM's may come before MPI is
  /// there.
  explicit Program(const Options& options);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  Session& session() { return session_; }

 private:
  static MpiEnvironment start_mpi(const Options& options);

  std::optional<EndingSignals> signals_;
  LocalExecutors executors_;  ///< whose zygotes ignore these signals
  Watchdog watchdog_;         ///< outlives MPI: MPI_Finalize can hang
  MpiEnvironment mpi_;
  MpiTransport transport_;
  Session session_;
};

}  // namespace parrun
