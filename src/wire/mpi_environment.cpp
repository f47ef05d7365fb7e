#include "wire/mpi_environment.hpp"

#include <unistd.h>

#include <boost/mpi/environment.hpp>

namespace parrun {

struct MpiEnvironment::Impl {
  // Not aborting on an exception: each rank says first what was wrong.
  boost::mpi::environment environment{boost::mpi::threading::serialized, false};
};

MpiEnvironment::MpiEnvironment() : impl_(std::make_unique<Impl>()) {}
MpiEnvironment::~MpiEnvironment() = default;

void abort_job(int exit_code) {
  if (boost::mpi::environment::initialized() && !boost::mpi::environment::finalized()) {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
  }
  _exit(exit_code);
}

}  // namespace parrun
