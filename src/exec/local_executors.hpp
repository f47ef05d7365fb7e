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
  ~LocalExecutors();

  std::vector<Executor*> all();
  /// The rank ends as it should, and maybe past the destructor.
  void leave() noexcept;

 private:
  std::deque<Executor> executors_;
  std::vector<ProcessBody*> bodies_;  ///< theirs
};

}  // namespace parrun
