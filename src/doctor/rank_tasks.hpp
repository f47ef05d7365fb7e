#pragma once
// What the doctor has its workers do: tasks like any others, which is the point.

#include <string>
#include <vector>

#include "batch/task_spec.hpp"
#include "doctor/examined.hpp"

namespace parrun::doctor {

/// What this rank tells of itself. REQUIRES: called in the rank's process.
RankFacts rank_facts();

/// The rank's own facts; to be executed on a thread of the rank.
TaskSpec facts_task();
RankFacts facts_of(const std::string& value);

/// On which cores an executor may run.
TaskSpec executor_task();
Numbers executor_cores_of(const std::string& value);

/// A task that nothing but force will end: it computes for ever, blocks or ignores all signals that can be,
/// and has a child that does so too. Its stdout: their pids. `kind`: an index of kEndless.
TaskSpec endless_task(std::size_t kind);
std::vector<int> pids_in(const std::string& stdout_text);

/// Which of these processes live.
TaskSpec survivors_task(const std::vector<int>& pids);
std::vector<int> survivors_of(const std::string& value);

}  // namespace parrun::doctor
