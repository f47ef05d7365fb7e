#pragma once
#include <deque>
#include <vector>

#include "exec/executor.hpp"

namespace parrun {

// The executor processes of a rank, each with a zygote of its own.
class LocalExecutors {
 public:
  /// Forks `count` zygotes. REQUIRES: one thread, before MPI_Init.
  LocalExecutors(int count, const ExecutorSettings& settings, Mpirun mpirun);
  LocalExecutors(const LocalExecutors&) = delete;
  LocalExecutors& operator=(const LocalExecutors&) = delete;

  std::vector<Executor*> all();

 private:
  std::deque<Executor> executors_;
};

}  // namespace parrun
