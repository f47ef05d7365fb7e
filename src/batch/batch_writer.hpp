#pragma once
// Internal: what linking codes use is parrun::BatchWriter in parrun/batch_writer.hpp.

#include <cstdint>
#include <deque>
#include <set>
#include <string>

#include "batch/format.hpp"
#include "batch/output_file.hpp"
#include "batch/task_spec.hpp"

namespace parrun {

// Writes jobs.bin as a stream (batch/format.hpp). Memory: the index, 8 bytes a task, and a buffer.
class BatchFileWriter {
 public:
  /// The file appears under `path` at finish(), complete, or not at all. Throws InputError.
  explicit BatchFileWriter(const std::string& path);
  /// Writes to a descriptor, e.g. a pipe, that stays open. `name` stands for it in errors.
  BatchFileWriter(int fd, std::string name);

  /// Throw InputError where the file system refuses.
  void add(const TaskSpec& spec);
  void finish();

  std::uint64_t task_count() const { return index_.size(); }
  std::uint64_t bytes() const { return out_.size(); }  ///< written so far

 private:
  void note_work(const TaskSpec& spec);
  void write_names();
  void write_index();

  OutputFile out_;
  format::Trailer trailer_;
  std::deque<std::uint64_t> index_;  ///< a deque: a vector that grows holds its old and its new half at once
  std::set<std::string, std::less<>> functions_;
};

}  // namespace parrun
