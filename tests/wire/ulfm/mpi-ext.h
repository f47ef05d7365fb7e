#pragma once
// What src/wire/failed_ranks needs of ULFM, declared as MPI libraries that have it do: here it is compiled
// only, so that it does not rot where the MPI library has none.

#include <mpi.h>

#define MPIX_ERR_PROC_FAILED 1001
#define MPIX_ERR_PROC_FAILED_PENDING 1002

extern "C" {
int MPIX_Comm_failure_ack(MPI_Comm comm);
int MPIX_Comm_failure_get_acked(MPI_Comm comm, MPI_Group* failed);
}
