#pragma once
// A command that rank 0 itself needs, in an executor of rank 0's own: MPI's variables do not reach it, and
// whatever becomes of this process, nothing of it stays behind.

#include <optional>

#include "batch/task_spec.hpp"
#include "exec/executor.hpp"

namespace parrun::doctor {

class OwnCommand {
 public:
  /// Forks, on all cores that there are. REQUIRES: one thread, before MPI_Init.
  OwnCommand();

  /// REQUIRES: spec.timeout, at which it is ended; nothing runs.
  void start(const TaskSpec& spec);
  /// True if something happened. Throws std::runtime_error where there can be no executor.
  bool turn(TimePoint now);
  /// Once it has ended.
  const std::optional<Outcome>& outcome() const { return outcome_; }

 private:
  Executor executor_;
  std::optional<Outcome> outcome_;
};

}  // namespace parrun::doctor
