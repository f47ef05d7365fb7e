#pragma once
// A place in which all is well, for tests to spoil.

#include "doctor/examined.hpp"

namespace parrun::doctor::test {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

/// Ranks 0-3 on node1, 4-7 on node2, each with a core of its own.
inline Examined all_is_well() {
  Examined seen;
  seen.program = "parrun 1.0.0";
  seen.launcher = Launcher::mpirun;
  seen.keepalive = true;
  seen.mpirun_is_here = true;
  for (int rank = 0; rank < 8; ++rank) {
    RankExamined& one = seen.ranks[Rank(rank)];
    one.host = rank < 4 ? "node1" : "node2";
    one.facts = RankFacts{.cores = {rank % 4},
                          .host_cores = 4,
                          .host_memory_bytes = 16 * kGiB,
                          .limits = {},
                          .mpi = "Open MPI v4.1.4",
                          .thread_level = ThreadLevel::serialized,
                          .wall_clock_s = 1e9};
    if (rank == 0) continue;
    one.clock = ClockOffset{.ahead_s = 0.0001, .uncertainty_s = 0.002};
    one.executor_cores = one.facts->cores;
    one.endless = {{.timed_out = true, .late_s = 0.011}, {.timed_out = true, .late_s = 0.012}};
    one.survivors.emplace();
  }
  seen.abort = AbortTrial{.launcher = "mpirun", .exit_code = 124, .elapsed_s = 3.4, .late_s = 1.1};
  seen.record = RecordPlace{.path = "jobs.record",
                            .file_system = FileSystem{"nfs", true},
                            .free_bytes = 100 * kGiB,
                            .locks = true,
                            .shared_memory = true};
  return seen;
}

}  // namespace parrun::doctor::test
