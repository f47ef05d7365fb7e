#pragma once
// What a run needs before its first task: modules, the batch's functions, the record.

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file_system.hpp"
#include "batch/batch_file.hpp"
#include "core/limit_watch.hpp"
#include "core/shard.hpp"
#include "record/record_file.hpp"
#include "run/batch_run.hpp"
#include "run/crew.hpp"
#include "run/dispatcher.hpp"

namespace parrun {

/// Loads them before anything is forked. Returns what is wrong, or nothing: until MPI_Init no rank knows
/// whether it is the one to say it. What a module does then may take for ever: at `limit` the process ends.
std::string load_modules(const std::vector<std::string>& modules, TimePoint limit);

/// Throws InputError where the batch calls a function that this program does not have.
void require_functions(const BatchFile& batch, const std::string& path);

/// Some task of it is executed in a process; `threads`: functions are not.
inline bool needs_processes(const BatchFile& batch, bool threads) {
  return batch.has_commands() || (batch.has_calls() && !threads);
}

/// A batch file that is being opened, and checked, on a thread of its own: the disk may not answer, and what
/// is large takes its time.
struct OpeningBatch {
  std::future<std::shared_ptr<BatchFile>> file;
  std::shared_ptr<const std::atomic<std::uint64_t>> checked;  ///< tasks so far
};
OpeningBatch open_batch(const std::string& path);

/// What rank 0 reads of disks before the first task: each on a thread of its own, for the disk may not
/// answer; then that is a stall.
class Opening {
 public:
  /// Returns when it is done, within the limits of the run; where one is reached it does not return.
  using WaitFor = std::function<void(const std::function<bool()>& done)>;

  Opening(LimitWatch& watch, WaitFor wait_for) : watch_(watch), wait_for_(std::move(wait_for)) {}

  /// While it is checked, that goes on.
  std::shared_ptr<BatchFile> batch(OpeningBatch opening);

  struct Record {
    record::RecordFile file;
    std::optional<FileSystem> file_system;  ///< that it is on, where that can be told
  };
  /// That of a run on `ranks` ranks.
  Record record(record::OpenOptions options, int ranks, record::BatchIdentity batch);

  /// All tasks of a batch, those of the greatest cost first; before them those whose cost is not known, for
  /// they may be the longest. Empty where no cost is known.
  std::vector<TaskId> longest_first(std::shared_ptr<const BatchFile> batch);

 private:
  /// `look`: before each look whether it is there.
  template <typename T>
  T await(
      std::future<T> result, const std::function<void()>& look = [] {});

  LimitWatch& watch_;
  WaitFor wait_for_;
};

/// What ranks are told at its beginning.
Begin begin_of(const RunOptions& options, const Crew& crew);

/// Where a run of that shard, of a batch with so many tasks, goes on.
Dispatcher::StartingPoint starting_point(const record::Settled& settled, Shard shard, std::uint64_t tasks);

/// The exit code where nothing is left to do: as the run that brought the batch to its end said, unless that
/// was killed, or ended by a signal or an error.
int code_of_finished(const record::Settled& settled);

}  // namespace parrun
