#include "wire/failed_ranks.hpp"

#ifdef PARRUN_HAVE_ULFM

#include <numeric>

namespace parrun {

std::vector<Rank> failed_ranks(MPI_Comm communicator) {
  MPI_Group failed = MPI_GROUP_NULL;
  MPIX_Comm_failure_ack(communicator);
  MPIX_Comm_failure_get_acked(communicator, &failed);
  int count = 0;
  MPI_Group_size(failed, &count);
  MPI_Group all = MPI_GROUP_NULL;
  MPI_Comm_group(communicator, &all);
  std::vector<int> in_failed(static_cast<std::size_t>(count));
  std::vector<int> in_all(in_failed.size());
  std::iota(in_failed.begin(), in_failed.end(), 0);
  MPI_Group_translate_ranks(failed, count, in_failed.data(), all, in_all.data());
  MPI_Group_free(&all);
  MPI_Group_free(&failed);
  std::vector<Rank> ranks;
  for (const int rank : in_all) ranks.emplace_back(rank);
  return ranks;
}

}  // namespace parrun

#endif
