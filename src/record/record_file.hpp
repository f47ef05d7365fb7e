#pragma once
// The run record (record/schema.hpp) of a run that is under way: found, or made, and held by this process.

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/descriptor.hpp"
#include "core/durations.hpp"
#include "core/shard.hpp"
#include "core/state_counts.hpp"
#include "core/task_set.hpp"
#include "parrun/outcome.hpp"
#include "record/database.hpp"

namespace parrun::record {

/// The batch that a record belongs to.
struct BatchIdentity {
  std::string path;
  std::uint64_t content_hash = 0;
  std::uint64_t tasks = 0;  ///< in all of it
  Shard shard = {};         ///< that the record is of
};

struct OpenOptions {
  enum class Existing { refuse, resume, overwrite };
  std::string path;
  Existing existing = Existing::refuse;
  bool resume_failed = false;  ///< failed and timed-out tasks are to be run again
  std::string command = {};    ///< that starts the run, for people
  int ranks = 1;
};

/// What earlier runs left.
struct Settled {
  TaskSet tasks;                 ///< that are not run again
  TaskSet again;                 ///< that have an outcome and are run again
  StateCounts by_state;          ///< of them
  Durations durations;           ///< of them
  std::optional<int> exit_code;  ///< of the last run, if it lived to tell
  int fruitless_runs = 0;        ///< the last ones, that brought no task to its end
};

class RecordFile {
 public:
  /// Throws InputError, in a line that says what to do, where there can be no record (a folder that cannot be
  /// written), where one stands in the way, where another run holds it, where it is of another batch or
  /// version, and where it is damaged: a resumed record is read and checked from one end to the other.
  RecordFile(const OpenOptions& options, const BatchIdentity& batch);

  const std::string& path() const { return path_; }
  std::uint64_t tasks() const { return tasks_; }
  const Shard& shard() const { return shard_; }
  const Settled& settled() const { return settled_; }
  /// All tasks of a resumed record are settled: no run was begun.
  bool nothing_to_do() const { return run_ == 0; }
  const Database& database() const { return *database_; }
  std::int64_t run() const { return run_; }
  /// There was none, or an empty file.
  bool was_made() const { return made_; }
  /// A second run on it would be refused by the file system itself, on whatever host.
  bool is_locked() const { return locks_; }
  /// Others can read it while it is written.
  bool is_shared() const { return mode_ == Mode::shared; }

  /// Throws std::runtime_error where the file under path() is not the one that is written any more, or was
  /// cut, or its log: somebody removed or replaced it, and what is written would be lost.
  void require_in_place() const;
  /// This run's row, within whatever transaction is open.
  void update_run(std::uint64_t executing) const;
  /// The last word on this run; then the file is closed, and another run may have it.
  void end_run(int exit_code);

 private:
  enum class Mode { shared, exclusive, without_locks };

  void hold();
  void open(const OpenOptions& options, const BatchIdentity& batch);
  void connect();
  void connect(Mode mode);
  bool bears_our_mark() const;
  bool is_new() const;
  void require_ours() const;
  void require_nobody_alive() const;
  void check_batch(const BatchIdentity& batch) const;
  void read_settled(bool resume_failed);
  void begin_run(const OpenOptions& options, const BatchIdentity& batch);
  void create_tables() const;
  void insert_run(const OpenOptions& options, const BatchIdentity& batch) const;
  void start_log();
  void remove_content() const;
  void require_row() const;
  [[noreturn]] void refuse(const std::string& why) const;
  [[noreturn]] void refuse_damaged(const std::string& what) const;
  [[noreturn]] void refuse(const DatabaseError& error) const;

  std::string path_;
  std::string place_;  ///< the same, wherever a task on a thread of this process goes
  ino_t log_ = 0;      ///< of its -wal
  Descriptor lock_;
  bool locks_ = true;  ///< the file system has them
  Mode mode_ = Mode::shared;
  std::unique_ptr<Database> database_;
  std::uint64_t tasks_ = 0;
  Shard shard_;
  Settled settled_;
  bool made_ = false;
  std::int64_t run_ = 0;  ///< 0: none was begun
};

}  // namespace parrun::record
