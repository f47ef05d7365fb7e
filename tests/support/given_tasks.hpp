#pragma once
#include <vector>

#include "exec/executor.hpp"

namespace parrun::test {

inline std::vector<TaskId> ids_of(const std::vector<GivenTask>& tasks) {
  std::vector<TaskId> ids;
  for (const GivenTask& task : tasks) ids.push_back(task.task);
  return ids;
}

}  // namespace parrun::test
