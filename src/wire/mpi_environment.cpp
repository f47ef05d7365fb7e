#include "wire/mpi_environment.hpp"

#include <unistd.h>

#include <array>
#include <boost/mpi/environment.hpp>

namespace parrun {

struct MpiEnvironment::Impl {
  // Not aborting on an exception: each rank says first what was wrong.
  boost::mpi::environment environment{boost::mpi::threading::serialized, false};
};

MpiEnvironment::MpiEnvironment() : impl_(std::make_unique<Impl>()) {}
MpiEnvironment::~MpiEnvironment() = default;

bool mpi_is_over() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  return finalized != 0;
}

std::string mpi_library() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int size = 0;
  MPI_Get_library_version(text.data(), &size);
  const std::string all(text.data());
  return all.substr(0, all.find_first_of(",\n"));
}

ThreadLevel mpi_thread_level() {
  int level = MPI_THREAD_SINGLE;
  MPI_Query_thread(&level);
  if (level >= MPI_THREAD_MULTIPLE) return ThreadLevel::multiple;
  if (level >= MPI_THREAD_SERIALIZED) return ThreadLevel::serialized;
  return level >= MPI_THREAD_FUNNELED ? ThreadLevel::funneled : ThreadLevel::single;
}

void abort_job(int exit_code) {
  if (boost::mpi::environment::initialized() && !boost::mpi::environment::finalized()) {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
  }
  _exit(exit_code);
}

}  // namespace parrun
