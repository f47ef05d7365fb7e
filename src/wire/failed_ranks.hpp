#pragma once
// Which ranks the MPI library knows to have failed while it lets the others go on: ULFM, the fault tolerance
// of Open MPI 5 (mpirun --with-ft ulfm) and MPICH 4. Where CMake found none, there is nothing here.
// Source: Bland et al., "Post-failure recovery of MPI communication capability", 2013; MPI's mpi-ext.h.

#include <mpi.h>
#ifdef PARRUN_HAVE_ULFM
#include <mpi-ext.h>
#endif

#include <vector>

#include "parrun/id.hpp"

namespace parrun {

#ifdef PARRUN_HAVE_ULFM

/// All that have failed so far. Receives from any source go on without them afterwards. Local: waits for
/// nobody.
std::vector<Rank> failed_ranks(MPI_Comm communicator);

/// A call failed because its partner has: what it was for is void, all else goes on.
inline bool is_failed_partner(int mpi_error) {
  int kind = MPI_SUCCESS;
  MPI_Error_class(mpi_error, &kind);
  return kind == MPIX_ERR_PROC_FAILED || kind == MPIX_ERR_PROC_FAILED_PENDING;
}

#else

inline std::vector<Rank> failed_ranks(MPI_Comm /*communicator*/) { return {}; }
inline bool is_failed_partner(int /*mpi_error*/) { return false; }

#endif

}  // namespace parrun
