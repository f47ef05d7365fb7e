#pragma once
#include <utility>
#include <vector>

#include "core/outcome.hpp"
#include "exec/executor.hpp"

namespace parrun::test {

inline std::vector<TaskId> ids_of(const std::vector<GivenTask>& tasks) {
  std::vector<TaskId> ids;
  for (const GivenTask& task : tasks) ids.push_back(task.id.task);
  return ids;
}

/// What these tasks came to, behind those of `before`.
inline std::vector<Outcome> outcomes_of(const EndedTasks& ended, std::vector<Outcome> before = {}) {
  ended.for_each([&](BytesView outcome, int /*retries*/) { before.push_back(decode_outcome(outcome)); });
  if (ended.large() == nullptr) return before;
  before.push_back(decode_outcome(ended.large()->outcome.rest()));
  before.back().value = ended.large()->outcome.value();
  return before;
}

}  // namespace parrun::test
