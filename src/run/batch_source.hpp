#pragma once
#include <exception>
#include <string>

#include "batch/batch_file.hpp"
#include "run/task_source.hpp"

namespace parrun {

/// A task's label; none where the batch was written over since it was opened. That ends the run, and what had
/// finished is not lost with its label.
inline std::string label_of(TaskId task, const BatchFile& batch) try {
  return batch.label(task);
} catch (const std::exception&) {
  return {};
}

/// The tasks of a batch file, all known from the start.
class BatchSource final : public TaskSource {
 public:
  explicit BatchSource(BatchFile& batch) : batch_(batch) {}
  std::uint64_t pull(std::uint64_t /*wanted*/) override { return batch_.size(); }
  bool exhausted() const override { return true; }
  BytesView payload(TaskId task) override {
    release_behind(task);
    return batch_.payload(task);
  }
  void append_payload(TaskId task, ByteWriter& out) override {
    release_behind(task);
    batch_.append_payload(task, out);
  }
  void confirm() override { batch_.require_unchanged(); }
  std::string label(TaskId task) override { return label_of(task, batch_); }

 private:
  // Slow tasks are looked at once more when they end: what is just behind stays in memory.
  void release_behind(TaskId task) {
    if (task.get() > kKeptBehind) batch_.release_before(TaskId(task.get() - kKeptBehind));
  }

  static constexpr std::uint64_t kKeptBehind = 100'000;  // tasks
  BatchFile& batch_;
};

}  // namespace parrun
