#include "record/reader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "base/bytes.hpp"
#include "base/file_system.hpp"
#include "core/outcome.hpp"
#include "parrun/errors.hpp"
#include "record/copied.hpp"
#include "record/schema.hpp"

namespace parrun {
namespace {

using record::Run;
using record::Selection;
using record::Summary;

[[noreturn]] void refuse_system(const std::string& path) {
  const char* const advice = errno == ENOENT ? "check the name; a run makes its record beside its batch"
                                             : "ask its owner for permission to read it";
  throw InputError(fmt::format("{} cannot be opened: {}; {}", path, std::strerror(errno), advice));
}

[[noreturn]] void refuse_damaged(const std::string& path, const char* what) {
  throw InputError(
      fmt::format("{} is damaged ({}); save what is left with 'sqlite3 {} .recover'", path, what, path));
}

[[noreturn]] void refuse_foreign(const std::string& path, const char* what) {
  throw InputError(fmt::format("{} is {}; give a record that a run of parrun wrote", path, what));
}

// Not open(2): to close the file again would drop the locks that SQLite has on it in this process.
struct stat look_at(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) refuse_system(path);
  if (S_ISDIR(status.st_mode)) refuse_foreign(path, "a directory");
  if (!S_ISREG(status.st_mode)) refuse_foreign(path, "not a regular file");
  if (::access(path.c_str(), R_OK) != 0) refuse_system(path);
  return status;
}

std::optional<off_t> size_of_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? std::optional(status.st_size) : std::nullopt;
}

// The size of what a writer has written beside the file; none where there is no such file.
std::optional<off_t> log_size(const std::string& path) {
  std::optional<off_t> size;
  for (const char* const suffix : {"-wal", "-journal"}) {
    if (const auto one = size_of_file(path + suffix)) size = size.value_or(0) + *one;
  }
  return size;
}

// SQLite opens the file for good with the first read, and what that sees stays until the connection ends.
Database begin_reading(const std::string& path, Database::Access access) {
  Database database(path, access);
  database.execute("BEGIN");
  database.integer("SELECT count(*) FROM sqlite_schema");
  return database;
}

bool is_shared(const std::string& path) {
  const std::optional<FileSystem> file_system = file_system_of(path);
  return file_system && file_system->shared;
}

std::string condition(const Selection& selection) {
  std::string sql = "1";
  if (!selection.states.empty()) {
    std::vector<std::string> names;
    for (const State state : selection.states) names.push_back(fmt::format("'{}'", to_string(state)));
    sql += fmt::format(" AND state IN ({})", fmt::join(names, ","));
  }
  if (!selection.tasks.empty()) {
    std::vector<std::uint64_t> tasks;
    for (const TaskId task : selection.tasks) tasks.push_back(task.get());
    sql += fmt::format(" AND task IN ({})", fmt::join(tasks, ","));
  }
  return sql;
}

std::string text(const Statement& statement, int column) { return std::string(statement.bytes(column)); }

std::uint64_t count(const Statement& statement, int column) {
  return static_cast<std::uint64_t>(statement.integer(column));
}

State state(const Statement& statement, int column) {
  const std::optional<State> known = parse_state(statement.bytes(column));
  if (!known) throw FormatError("an unknown state");
  return *known;
}

Shard shard(const Statement& statement, int column) {
  try {
    return parse_shard(text(statement, column));
  } catch (const InputError& error) {
    throw FormatError(error.what());
  }
}

void count_outcomes(const Database& database, Summary& summary) {
  Statement rows = database.prepare("SELECT state, count(*), sum(run = ?) FROM tasks GROUP BY state");
  rows.bind(0, summary.last_run.run);
  while (rows.step()) {
    summary.by_state.add(state(rows, 0), count(rows, 1));
    summary.ended_in_last_run += count(rows, 2);
  }
}

void find_slowest(const Database& database, std::size_t most, Summary& summary) {
  Statement rows =
      database.prepare("SELECT task, label, elapsed_s FROM tasks ORDER BY elapsed_s DESC, task LIMIT ?");
  rows.bind(0, static_cast<std::int64_t>(most));
  while (rows.step()) summary.slowest.push_back({TaskId(count(rows, 0)), text(rows, 1), rows.real(2)});
}

void group_failures(const Database& database, std::size_t most, Summary& summary) {
  Statement rows = database.prepare(
      "SELECT state, error, count(*), min(task) FROM tasks WHERE state <> 'succeeded' "
      "GROUP BY state, error ORDER BY count(*) DESC, min(task) LIMIT ?");
  rows.bind(0, static_cast<std::int64_t>(most));
  while (rows.step()) {
    summary.failures.push_back({state(rows, 0), text(rows, 1), count(rows, 2), TaskId(count(rows, 3))});
  }
}

}  // namespace

// Errors.

// What the database or a row tells, told as the user's file.
template <typename Read>
auto RecordReader::guarded(Read read) const {
  try {
    return read();
  } catch (const FormatError& error) {
    check_unchanged();
    refuse_damaged(path_, error.what());
  } catch (const DatabaseError& error) {
    if (error.is_busy()) {
      throw InputError(fmt::format(
          "{} is held by a running job, on a file system without shared memory; read it when the job "
          "has ended",
          path_));
    }
    if (error.is_foreign()) refuse_foreign(path_, "no run record");
    if (!error.is_damaged() && !error.is_about_schema()) throw;
    check_unchanged();
    refuse_damaged(path_, error.what());
  }
}

// Writers append to the log for a while before they touch the file itself; as long as they have not, what
// was read is one state of it.
void RecordReader::check_unchanged() const {
  if (!immutable_) return;
  const struct stat now = look_at(path_);
  if (now.st_size == opened_.st_size && now.st_mtim.tv_sec == opened_.st_mtim.tv_sec &&
      now.st_mtim.tv_nsec == opened_.st_mtim.tv_nsec) {
    return;
  }
  throw InputError(fmt::format("{} was written while it was read: a run has begun; read it again", path_));
}

// Opening.

RecordReader::RecordReader(std::string path) : RecordReader(path, is_shared(path)) {}

RecordReader::RecordReader(std::string path, bool shared)
    : path_(std::move(path)),
      opened_(look_at(path_)),
      // A reader that takes locks leaves an empty -wal and a -shm of its own beside a record that has none.
      // In a folder that several users share, the record's owner could not resume then; in one that cannot
      // be written, the reader could not read.
      immutable_(!log_size(path_)),
      database_(guarded([&] { return open(shared); })) {
  guarded([&] { check_format(); });
}

Database RecordReader::open(bool shared) {
  if (!immutable_ && shared && size_of_file(path_ + "-wal").value_or(0) > 0) {
    if (auto copied = record::open_copied(path_)) return std::move(*copied);
    immutable_ = true;
  }
  if (!immutable_) {
    try {
      return begin_reading(path_, Database::Access::read_only);
    } catch (const DatabaseError& error) {
      if (!error.is_read_only() && !error.is_about_locks()) throw;
      // Only the making of the file has one of these: all after it goes by way of a -wal.
      if (size_of_file(path_ + "-journal").value_or(0) > 0) {
        throw InputError(fmt::format(
            "{} is not made yet: its run has just begun, or was cut short there; no task has an outcome, and "
            "parrun --resume goes on",
            path_));
      }
      if (log_size(path_).value_or(0) > 0) {
        throw InputError(
            fmt::format("{0} cannot be read together with its log {0}-wal ({1}); when its run has "
                        "ended, copy both into a local folder of your own",
                        path_, error.what()));
      }
      immutable_ = true;
    }
  }
  return begin_reading(path_, Database::Access::immutable);
}

void RecordReader::check_format() const {
  if (database_.integer("PRAGMA page_count") == 0) {
    throw InputError(fmt::format("{} is empty: no run has begun on it; read it when one has", path_));
  }
  if (database_.integer("PRAGMA application_id") != record::kApplicationId) {
    refuse_foreign(path_, "no run record");
  }
  const std::int64_t version = database_.integer("PRAGMA user_version");
  if (version != record::kVersion) {
    throw InputError(
        fmt::format("{} has record version {}, this parrun reads version {}; use the parrun that wrote it",
                    path_, version, record::kVersion));
  }
  if (database_.integer("SELECT count(*) FROM sqlite_schema WHERE name IN ('tasks', 'runs')") != 2) {
    refuse_damaged(path_, "its tables are missing");
  }
}

// Reading.

std::function<std::optional<record::Row>()> RecordReader::rows(const Selection& selection,
                                                               record::Texts texts) const {
  const auto statement = std::make_shared<Statement>(guarded([&] {
    return database_.prepare(fmt::format("SELECT {} FROM tasks WHERE {} ORDER BY task",
                                         record::select_columns(texts), condition(selection)));
  }));
  return [this, statement] {
    const auto next = [&] {
      return statement->step() ? std::optional(record::read_row(*statement)) : std::nullopt;
    };
    std::optional<record::Row> row = guarded(next);
    if (!row) check_unchanged();
    return row;
  };
}

void RecordReader::for_each(const Selection& selection, record::Texts texts,
                            const std::function<void(const record::Row&)>& visit) const {
  const auto next = rows(selection, texts);
  while (const std::optional<record::Row> row = next()) visit(*row);
}

Run RecordReader::read_last_run() const {
  Statement row = database_.prepare(
      "SELECT run, batch, batch_hash, tasks, command, host, pid, process, ranks, started, updated, ended, "
      "exit_code, executing, shard FROM runs ORDER BY run DESC LIMIT 1");
  if (!row.step()) throw FormatError("it holds no run");
  Run run{.run = row.integer(0),
          .batch = text(row, 1),
          .batch_hash = text(row, 2),
          .tasks = count(row, 3),
          .shard = shard(row, 14),
          .command = text(row, 4),
          .host = text(row, 5),
          .pid = row.integer(6),
          .process = text(row, 7),
          .ranks = static_cast<int>(row.integer(8)),
          .started_s = row.real(9),
          .updated_s = row.real(10),
          .ended_s = {},
          .exit_code = {},
          .executing = count(row, 13)};
  if (!row.is_null(11)) run.ended_s = row.real(11);
  if (!row.is_null(12)) run.exit_code = static_cast<int>(row.integer(12));
  return run;
}

Run RecordReader::last_run() const {
  Run run = guarded([&] { return read_last_run(); });
  check_unchanged();
  return run;
}

Summary RecordReader::summary(std::size_t slowest, std::size_t failures) const {
  Summary summary = guarded([&] {
    Summary found;
    found.last_run = read_last_run();
    count_outcomes(database_, found);
    find_slowest(database_, slowest, found);
    group_failures(database_, failures, found);
    return found;
  });
  check_unchanged();
  return summary;
}

}  // namespace parrun
