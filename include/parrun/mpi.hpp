#pragma once
// For a code that owns MPI: it lends the ranks of a communicator to a pool, and has them back.
//
//   int main(int argc, char** argv) {
//     parrun::Environment environment(argc, argv);  // before MPI_Init: executors must not be forked after it
//     MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
//     ...
//     if (rank == 0) {
//       parrun::Pool pool(communicator);
//       ... pool.map(tasks) ...
//     } else {
//       parrun::serve(communicator);  // returns when the pool is destroyed
//     }
//
// Pools may follow one another, and be on disjoint communicators at once. A task is not on the pool's
// communicator: in a process of its own there is no MPI at all, and an MPI call ends the task.

#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

#include <memory>

#include "parrun/pool.hpp"

namespace parrun {

/// An MPI_Comm, or what converts to one, like boost::mpi::communicator. Does not own it.
class Communicator {
 public:
  Communicator(MPI_Comm handle)
      : handle_(handle) {}  // NOLINT(google-explicit-constructor): an MPI_Comm is one
  MPI_Comm handle() const { return handle_; }

 private:
  MPI_Comm handle_;
};

/// Where tasks are to run in processes of their own: made on every rank, before MPI_Init and before the
/// process has threads, and living until after the last pool. One at a time in a process.
class Environment {
 public:
  struct Options {
    int local_workers = 1;  ///< as many as any pool of one rank will have
  };
  class Impl;

  /// Throws std::logic_error where it is too late, or another one lives; std::system_error where no process
  /// can be made.
  Environment(int argc, char** argv, const Options& options);
  Environment(int argc, char** argv) : Environment(argc, argv, Options()) {}
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  /// Ends the executors, and all that runs under them.
  ~Environment();

 private:
  std::unique_ptr<Impl> impl_;
};

/// Executes tasks of the pool that rank 0 of `communicator` has, or will have, until it is destroyed.
/// Collective over the communicator with Pool's constructor; on the thread that initialised MPI. Throws
/// std::logic_error where MPI was not initialised with MPI_THREAD_FUNNELED or above, or was finalised,
/// another pool has this rank's executors, the communicator is MPI_COMM_NULL, or on its rank 0.
void serve(const Communicator& communicator);

}  // namespace parrun
