#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "batch/format.hpp"
#include "batch/mapped_file.hpp"
#include "parrun/id.hpp"

namespace parrun {

// A batch file (batch/format.hpp), mapped, and found whole: what it hands out afterwards needs no checks,
// except whether this program has the functions().
class BatchFile {
 public:
  /// Reads all of the file once, in bounded resident memory. Throws InputError: file, what is wrong, at which
  /// byte, what to do. `checked`: counts whole tasks meanwhile, for other threads.
  explicit BatchFile(const std::string& path, std::atomic<std::uint64_t>* checked = nullptr);

  std::uint64_t size() const { return trailer_.task_count; }  ///< tasks
  /// decode_task() takes it. The view lives as long as this. REQUIRES: task < size().
  BytesView payload(TaskId task) const;
  /// Its label, or nothing.
  std::string label(TaskId task) const;
  /// The payload, as `out` puts a string. Throws std::runtime_error where the file cannot be read any more.
  void append_payload(TaskId task, ByteWriter& out) const;
  /// Throws std::runtime_error where the file was written to since it was opened: what it gave since then may
  /// be anything.
  void require_unchanged() { file_.require_unchanged(); }
  const std::vector<std::string>& functions() const { return functions_; }  ///< called by its tasks; sorted
  /// Equal for two files exactly where their tasks are the same.
  std::uint64_t content_hash() const { return trailer_.content_hash; }
  bool has_commands() const { return (trailer_.contents & format::kHasCommands) != 0; }
  bool has_calls() const { return (trailer_.contents & format::kHasCalls) != 0; }

  /// Lets go of the memory of all tasks before `task`, which stay readable. Cheap: does nothing until some
  /// MiB have come together.
  void release_before(TaskId task) { released_ = release(released_, task.get()); }

  /// What each task costs, as it says [any unit]; infinity where it does not. Reads all of the file, in
  /// bounded resident memory; other threads may read meanwhile.
  std::vector<float> costs() const;

 private:
  std::uint64_t release(std::uint64_t from, std::uint64_t until) const;
  std::uint64_t offset_of(std::uint64_t task) const;
  std::pair<std::uint64_t, std::size_t> place_of(TaskId task) const;

  MappedFile file_;
  format::Trailer trailer_;
  std::vector<std::string> functions_;
  bool has_labels_ = false;     ///< some task has one; else none is looked at for it
  std::uint64_t released_ = 0;  ///< tasks
};

}  // namespace parrun
