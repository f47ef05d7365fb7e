#pragma once
#include <cstdint>
#include <string>

#include "base/bytes.hpp"
#include "batch/task_spec.hpp"
#include "parrun/id.hpp"

namespace parrun {

// Where a run's tasks come from: a batch file, or a caller's range that is pulled as far as needed.
class TaskSource {
 public:
  virtual ~TaskSource() = default;

  /// Makes tasks known, if there are more, until there are `wanted`. Returns how many are known. May throw
  /// what a caller's range throws.
  virtual std::uint64_t pull(std::uint64_t wanted) = 0;
  /// There are no more than pull() last said.
  virtual bool exhausted() const = 0;
  /// The task's payload: encode(TaskSpec). REQUIRES: known, not forgotten; valid until it is.
  virtual BytesView payload(TaskId task) = 0;
  /// The same, as `out` puts a string. Throws std::runtime_error where it cannot be had any more.
  virtual void append_payload(TaskId task, ByteWriter& out) { out.put(payload(task)); }
  /// Throws std::runtime_error where what it gave since the last call may not have been the task's. To be
  /// asked where payloads are read, and not in each turn: a file system that does not answer would hold the
  /// loop.
  virtual void confirm() {}
  /// The task's label, or nothing.
  virtual std::string label(TaskId task) { return std::string(decode_task_head(payload(task)).label); }
  /// The task is done.
  virtual void forget(TaskId /*task*/) {}
};

}  // namespace parrun
