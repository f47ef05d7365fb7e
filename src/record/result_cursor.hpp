#pragma once
#include <vector>

#include "core/shard.hpp"
#include "core/task_set.hpp"
#include "record/database.hpp"
#include "record/row.hpp"

namespace parrun::record {

/// Which results of a record are read back while a run is under way.
enum class ReadBack {
  none,
  settled,  ///< those of earlier runs
  all       ///< these too, and each in its turn by the order of the batch
};

// Reads results back in the order of the batch, each once. In ReadBack::all a task without a result holds up
// those behind it until gaps are to be passed.
class ResultCursor {
 public:
  // One call of read() ends here.
  static constexpr std::size_t kReadBytes = std::size_t{4} << 20;

  /// `settled`: by earlier runs. `end`: the number of tasks in the batch.
  ResultCursor(ReadBack which, const TaskSet& settled, std::uint64_t end, Shard shard = {});

  /// The task has a result in the record now.
  void add(TaskId task) {
    if (which_ == ReadBack::all) there_.insert(task);
  }
  void pass_gaps() { gaps_hold_ = false; }

  /// Something is there to be read, or it has just become sure that nothing will be.
  bool due() const { return next() >= end_ || there_.contains(next()); }
  bool at_end() const { return next_ >= end_; }
  /// The next results, as many as are there and no more than kReadBytes.
  std::vector<Row> read(const Database& database);

 private:
  TaskId next() const;

  ReadBack which_;
  TaskSet there_;  ///< have a result that is to be read, or was
  TaskId end_;
  Shard shard_;
  TaskId next_{0};  ///< to be read, or before that
  bool gaps_hold_;
};

}  // namespace parrun::record
