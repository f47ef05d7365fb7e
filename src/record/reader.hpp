#pragma once
// The reading side of the run record (record/schema.hpp).

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/shard.hpp"
#include "core/state_counts.hpp"
#include "record/database.hpp"
#include "record/row.hpp"

namespace parrun {
namespace record {

/// A row of the table `runs`.
struct Run {
  std::int64_t run = 1;
  std::string batch;
  std::string batch_hash;
  std::uint64_t tasks = 0;  ///< in the batch
  Shard shard;              ///< that the record is of
  std::string command;
  std::string host;
  std::int64_t pid = 0;
  std::string process;
  int ranks = 0;
  double started_s = 0;  ///< [s since 1970], as are the next two
  double updated_s = 0;
  std::optional<double> ended_s;  ///< none while it runs, and where it was killed
  std::optional<int> exit_code;
  std::uint64_t executing = 0;  ///< tasks, when it was last updated

  std::uint64_t own_tasks() const { return shard.tasks_below(tasks); }
};

/// Which rows; an empty list selects all.
struct Selection {
  std::vector<State> states = {};
  std::vector<TaskId> tasks = {};
};

/// The record at a glance.
struct Summary {
  struct SlowTask {
    TaskId task;
    std::string label;
    double elapsed_s = 0;
  };
  struct FailureKind {
    State state = State::failed;
    std::string error;
    std::uint64_t count = 0;
    TaskId first;  ///< one of them
  };

  Run last_run;
  StateCounts by_state;
  std::uint64_t ended_in_last_run = 0;     ///< tasks whose outcome is the last run's
  std::vector<SlowTask> slowest = {};      ///< the slowest first
  std::vector<FailureKind> failures = {};  ///< the most frequent first
};

}  // namespace record

/// A run record, read-only, as it was when it was opened, whatever a running job adds to it meanwhile.
/// All of it throws InputError, in a line that names the file, where the record is damaged.
class RecordReader {
 public:
  /// Throws InputError, saying what to do, where the file is no record of this version that can be read.
  explicit RecordReader(std::string path);
  /// `shared`: hosts other than this one may write it.
  RecordReader(std::string path, bool shared);

  const std::string& path() const { return path_; }

  /// Rows in the order of the tasks, one in memory at a time: each call gives the next one, or none at the
  /// end. REQUIRES: the reader lives.
  std::function<std::optional<record::Row>()> rows(const record::Selection& selection,
                                                   record::Texts texts) const;
  void for_each(const record::Selection& selection, record::Texts texts,
                const std::function<void(const record::Row&)>& visit) const;

  record::Run last_run() const;

  /// With at most so many tasks and kinds of failures.
  record::Summary summary(std::size_t slowest, std::size_t failures) const;

 private:
  template <typename Read>
  auto guarded(Read read) const;
  Database open(bool shared);
  void check_format() const;
  void check_unchanged() const;
  record::Run read_last_run() const;

  std::string path_;
  struct stat opened_;  ///< the file, before
  bool immutable_;      ///< SQLite does not look whether somebody writes the file; check_unchanged() does
  Database database_;
};

}  // namespace parrun
