#include "exec/local_executors.hpp"

#include <memory>
#include <utility>

namespace parrun {

// The first zygote is the one that sees mpirun off.
LocalExecutors::LocalExecutors(int count, const ExecutorSettings& settings, Mpirun mpirun) {
  for (int i = 0; i < count; ++i) {
    executors_.emplace_back(std::make_unique<ProcessBody>(settings, std::exchange(mpirun, {})));
  }
}

std::vector<Executor*> LocalExecutors::all() {
  std::vector<Executor*> executors;
  for (Executor& executor : executors_) executors.push_back(&executor);
  return executors;
}

}  // namespace parrun
