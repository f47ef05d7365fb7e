#include "exec/local_executors.hpp"

#include <memory>
#include <utility>

namespace parrun {

// The first zygote is the one that sees mpirun off.
LocalExecutors::LocalExecutors(int count, const ExecutorSettings& settings, Mpirun mpirun) {
  for (int i = 0; i < count; ++i) {
    auto body = std::make_unique<ProcessBody>(settings, std::exchange(mpirun, {}));
    bodies_.push_back(body.get());
    executors_.emplace_back(std::move(body));
  }
}

// All of them end at once, not one after the other.
LocalExecutors::~LocalExecutors() {
  for (ProcessBody* body : bodies_) body->dismiss();
}

void LocalExecutors::leave() noexcept {
  for (ProcessBody* body : bodies_) body->leave();
}

std::vector<Executor*> LocalExecutors::all() {
  std::vector<Executor*> executors;
  for (Executor& executor : executors_) executors.push_back(&executor);
  return executors;
}

}  // namespace parrun
