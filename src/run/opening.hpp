#pragma once
// What a run needs before its first task: modules, the batch's functions, the record.

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file_system.hpp"
#include "batch/batch_file.hpp"
#include "core/shard.hpp"
#include "record/record_file.hpp"
#include "run/dispatcher.hpp"

namespace parrun {

/// Loads them before anything is forked. Returns what is wrong, or nothing: until MPI_Init no rank knows
/// whether it is the one to say it.
std::string load_modules(const std::vector<std::string>& modules);

/// Throws InputError where the batch calls a function that this program does not have.
void require_functions(const BatchFile& batch, const std::string& path);

/// A batch file that is being opened, and checked, on a thread of its own: the disk may not answer, and what
/// is large takes its time.
struct OpeningBatch {
  std::future<std::shared_ptr<BatchFile>> file;
  std::shared_ptr<const std::atomic<std::uint64_t>> checked;  ///< tasks so far
};
OpeningBatch open_batch(const std::string& path);

struct OpenedRecord {
  record::RecordFile file;
  std::optional<FileSystem> file_system;  ///< that it is on, where that can be told
};

/// Opens the record of a run on `ranks` ranks, on a thread of its own: the disk may not answer.
std::future<OpenedRecord> open_record(record::OpenOptions options, int ranks, const std::string& batch_path,
                                      const BatchFile& batch, Shard shard);

/// Where a run of that shard, of a batch with so many tasks, goes on.
Dispatcher::StartingPoint starting_point(const record::Settled& settled, Shard shard, std::uint64_t tasks);

/// All tasks of a batch, those of the greatest cost first; before them those whose cost is not known, for
/// they may be the longest. On a thread of its own: the disk may not answer.
std::future<std::vector<TaskId>> longest_first(const std::string& batch_path);

/// The exit code where nothing is left to do: as the run that brought the batch to its end said, unless that
/// was killed, or ended by a signal or an error.
int code_of_finished(const record::Settled& settled);

}  // namespace parrun
