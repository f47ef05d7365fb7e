#include "record/record_file.hpp"

#include <endian.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string_view>

#include "base/bytes.hpp"
#include "base/host.hpp"
#include "base/sqlite_magic.hpp"
#include "parrun/errors.hpp"
#include "record/holder.hpp"
#include "record/reader.hpp"
#include "record/row.hpp"
#include "record/schema.hpp"

namespace parrun::record {
namespace {

// A run writes at least every 10 s; the clocks of a cluster's hosts agree better than this.
constexpr double kSurelyDead_s = 60;

std::string hexadecimal(std::uint64_t hash) { return fmt::format("{:016x}", hash); }

// 0: there is no such file.
ino_t inode_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

Holder last_holder(const Database& database) {
  Statement last = database.prepare("SELECT host, pid, process FROM runs ORDER BY run DESC LIMIT 1");
  if (!last.step()) return {};
  return {.host = std::string(last.bytes(0)),
          .pid = static_cast<pid_t>(last.integer(1)),
          .process = std::string(last.bytes(2))};
}

}  // namespace

RecordFile::RecordFile(const OpenOptions& options, const BatchIdentity& batch)
    : path_(options.path),
      place_(std::filesystem::absolute(path_)),
      tasks_(batch.tasks),
      shard_(batch.shard) {
  try {
    hold();
    open(options, batch);
  } catch (const DatabaseError& error) {
    refuse(error);
  }
}

void RecordFile::refuse(const std::string& why) const { throw InputError(fmt::format("{} {}", path_, why)); }

void RecordFile::refuse_damaged(const std::string& what) const {
  refuse(fmt::format(
      "is damaged ({}); keep it, see what 'sqlite3 {} .recover' saves, and run with another --record, "
      "or --overwrite",
      what, path_));
}

void RecordFile::refuse(const DatabaseError& error) const {
  if (error.is_foreign()) refuse("is no run record; give --record another name");
  if (error.is_damaged()) refuse_damaged(error.what());
  if (error.is_read_only()) {
    refuse(
        fmt::format("cannot be written, or not in its folder ({}); give --record a place that can, or "
                    "--no-record",
                    error.what()));
  }
  refuse(fmt::format("cannot be used ({}); give --record another place, or --no-record", error.what()));
}

// Whose it is.

void RecordFile::hold() {
  constexpr mode_t kMode = 0666;  // less the umask
  lock_.reset(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kMode));
  if (!lock_) {
    throw InputError(
        fmt::format("the run cannot be recorded in {}: {}; give --record another place, or --no-record",
                    path_, std::strerror(errno)));
  }
  const LockResult result = lock_for_run(lock_.get());
  locks_ = result != LockResult::impossible;
  if (result != LockResult::held) return;
  std::string whose;
  try {
    const Run run = RecordReader(path_).last_run();
    whose = fmt::format(" of process {} on {}", run.pid, run.host);
  } catch (const std::exception&) {  // it is just being made, or held exclusively
  }
  refuse(fmt::format("is in use by the run{}; wait for its end, or give --record another name", whose));
}

// Only where there are no locks: with them a dead one has lost its own.
void RecordFile::require_nobody_alive() const {
  if (locks_) return;
  Statement last = database_->prepare("SELECT ended IS NULL, updated FROM runs ORDER BY run DESC LIMIT 1");
  if (!last.step() || last.integer(0) == 0) return;
  const Holder holder = last_holder(*database_);
  const bool here = holder.host == host_name();
  if (here ? !is_alive(holder) : wall_clock_s() - last.real(1) > kSurelyDead_s) return;
  refuse(fmt::format(
      "is in use by the run of process {} on {}{}; wait for its end, or give --record another name",
      holder.pid, holder.host, here ? "" : fmt::format(", or was less than {} s ago", kSurelyDead_s)));
}

// Opening.

void RecordFile::open(const OpenOptions& options, const BatchIdentity& batch) {
  try {
    connect();
  } catch (const DatabaseError& error) {
    const bool replace = options.existing == OpenOptions::Existing::overwrite && locks_ && bears_our_mark();
    if (!error.is_damaged() || !replace) throw;
    database_.reset();
    remove_content();
    connect();
  }
  if (!is_new()) {
    require_ours();
    require_nobody_alive();
    if (options.existing == OpenOptions::Existing::refuse) {
      refuse("exists already; go on with it by --resume, or replace it by --overwrite");
    }
    if (options.existing == OpenOptions::Existing::resume) {
      check_batch(batch);
      read_settled(options.resume_failed);
      if (settled_.tasks.count() < shard_.tasks_below(tasks_)) begin_run(options, batch);
      return;
    }
    const Mode mode = mode_;
    database_.reset();
    remove_content();
    connect(mode);
  }
  begin_run(options, batch);
}

void RecordFile::connect() {
  if (locks_) {
    try {
      connect(Mode::shared);
    } catch (const DatabaseError& error) {
      if (error.is_foreign() || error.is_damaged() || error.is_full()) throw;
      connect(Mode::exclusive);  // a file system without shared memory
    }
  } else {
    connect(Mode::without_locks);
  }
}

void RecordFile::connect(Mode mode) {
  mode_ = mode;
  database_.reset();
  database_ = std::make_unique<Database>(
      path_, mode == Mode::without_locks ? Database::Access::without_locks : Database::Access::read_write);
  // The index of the log is then in this process's memory: https://www.sqlite.org/wal.html#noshm
  if (mode != Mode::shared) database_->execute("PRAGMA locking_mode = EXCLUSIVE");
  if (is_new()) return;
  database_->integer(
      "SELECT count(*) FROM sqlite_schema");  // the first access, which needs all that is needed
}

// By https://www.sqlite.org/fileformat.html: whatever else of it is damaged.
bool RecordFile::bears_our_mark() const {
  constexpr std::size_t kHeader = 100;
  constexpr std::size_t kIdAt = 68;
  std::string header(kHeader, '\0');
  if (::pread(lock_.get(), header.data(), kHeader, 0) != static_cast<ssize_t>(kHeader)) return false;
  std::uint32_t id = 0;
  std::memcpy(&id, header.data() + kIdAt, sizeof id);
  return header.starts_with(kSqliteMagic) && be32toh(id) == static_cast<std::uint32_t>(kApplicationId);
}

bool RecordFile::is_new() const { return database_->integer("PRAGMA page_count") == 0; }

void RecordFile::create_tables() const {
  database_->execute(fmt::format("PRAGMA application_id = {}", kApplicationId).c_str());
  database_->execute(fmt::format("PRAGMA user_version = {}", kVersion).c_str());
  database_->execute(kCreateTables);
}

void RecordFile::require_ours() const {
  if (database_->integer("PRAGMA application_id") != kApplicationId) {
    refuse("is no run record; give --record another name");
  }
  const std::int64_t version = database_->integer("PRAGMA user_version");
  if (version == kVersion) return;
  refuse(fmt::format(
      "has record version {}, this parrun writes version {}; go on with the parrun that wrote it, "
      "or give --record another name",
      version, kVersion));
}

// The log's remains first: SQLite would take them for the new file's.
void RecordFile::remove_content() const {
  for (const char* suffix : {"-journal", "-wal", "-shm"}) ::unlink((path_ + suffix).c_str());
  if (::ftruncate(lock_.get(), 0) != 0) {
    refuse(fmt::format("cannot be replaced: {}; give --record another name", std::strerror(errno)));
  }
}

// What earlier runs left.

void RecordFile::check_batch(const BatchIdentity& batch) const {
  Statement first =
      database_->prepare("SELECT batch, batch_hash, tasks, shard FROM runs ORDER BY run LIMIT 1");
  if (!first.step()) refuse_damaged("it has no run");
  if (first.bytes(1) == hexadecimal(batch.content_hash) &&
      first.integer(2) == static_cast<std::int64_t>(batch.tasks)) {
    if (first.bytes(3) == to_string(batch.shard)) return;
    refuse(fmt::format("is of shard {}, this run is of shard {}; give --shard {}, or --record another name",
                       first.bytes(3), to_string(batch.shard), first.bytes(3)));
  }
  refuse(fmt::format(
      "is of another batch ({}, {} tasks), {} has {} tasks and other work; give the batch that it is "
      "of, --record another name, or --overwrite",
      first.bytes(0), first.integer(2), batch.path, batch.tasks));
}

void RecordFile::read_settled(bool resume_failed) try {
  if (const std::string found = database_->text("PRAGMA quick_check(1)"); found != "ok")
    throw FormatError(found.substr(0, found.find('\n')));
  std::int64_t last_fruitful = 0;
  Statement rows = database_->prepare(fmt::format("SELECT {} FROM tasks", select_columns(Texts::without)));
  while (rows.step()) {
    const Row row = read_row(rows);
    const Outcome& outcome = row.outcome;
    if (outcome.task.get() >= tasks_)
      throw FormatError(fmt::format("there is no task {}", outcome.task.get()));
    if (!shard_.contains(outcome.task))
      throw FormatError(fmt::format("task {} is not of its shard", outcome.task.get()));
    if (!is_settled(outcome.state) || (resume_failed && !outcome.succeeded())) {
      settled_.again.insert(outcome.task);
      continue;
    }
    settled_.tasks.insert(outcome.task);
    settled_.by_state.add(outcome.state);
    settled_.durations.add(row.label, outcome.elapsed_s);
    last_fruitful = std::max(last_fruitful, row.run);
  }
  Statement last = database_->prepare("SELECT exit_code, run FROM runs ORDER BY run DESC LIMIT 1");
  if (!last.step()) return;
  if (!last.is_null(0)) settled_.exit_code = static_cast<int>(last.integer(0));
  settled_.fruitless_runs = static_cast<int>(last.integer(1) - last_fruitful);
} catch (const FormatError& error) {
  refuse_damaged(error.what());
}

// This run.

// One transaction, and only then the log: a run that dies here leaves a whole record, or an empty file.
void RecordFile::begin_run(const OpenOptions& options, const BatchIdentity& batch) {
  made_ = is_new();  // within a transaction it has a page
  Transaction transaction(*database_);
  if (made_) create_tables();
  insert_run(options, batch);
  transaction.commit();
  start_log();
  log_ = inode_of(place_ + "-wal");
  database_->execute("PRAGMA synchronous = FULL");
}

void RecordFile::start_log() {
  try {
    database_->execute("PRAGMA journal_mode = WAL");
    run_ = database_->integer("SELECT max(run) FROM runs");
  } catch (const DatabaseError& error) {
    if (mode_ != Mode::shared || error.is_damaged() || error.is_full()) throw;
    connect(Mode::exclusive);
    database_->execute("PRAGMA journal_mode = WAL");
    run_ = database_->integer("SELECT max(run) FROM runs");
  }
}

void RecordFile::insert_run(const OpenOptions& options, const BatchIdentity& batch) const {
  const Holder self = this_process();
  const double now = wall_clock_s();
  const std::string hash = hexadecimal(batch.content_hash);
  const std::string shard = to_string(batch.shard);
  Statement insert = database_->prepare(
      "INSERT INTO runs"
      "(batch, batch_hash, tasks, shard, command, host, pid, process, ranks, started, updated) "
      "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind_text(0, batch.path).bind_text(1, hash).bind(2, static_cast<std::int64_t>(batch.tasks));
  insert.bind_text(3, shard).bind_text(4, options.command);
  insert.bind_text(5, self.host).bind(6, static_cast<std::int64_t>(self.pid)).bind_text(7, self.process);
  insert.bind(8, static_cast<std::int64_t>(options.ranks)).bind(9, now).bind(10, now);
  insert.execute();
}

void RecordFile::require_in_place() const {
  struct stat written {};
  struct stat named {};
  std::string magic(kSqliteMagic.size(), '\0');
  const bool whole =
      ::pread(lock_.get(), magic.data(), magic.size(), 0) == static_cast<ssize_t>(magic.size()) &&
      magic == kSqliteMagic;
  const bool in_place = whole && ::fstat(lock_.get(), &written) == 0 && ::stat(place_.c_str(), &named) == 0 &&
                        written.st_dev == named.st_dev && written.st_ino == named.st_ino;
  // What is in the log alone would be lost with it.
  if (in_place && inode_of(place_ + "-wal") == log_) return;
  throw std::runtime_error("it, or its -wal, was removed, replaced or cut while the run wrote it");
}

void RecordFile::require_row() const {
  if (database_->changes() != 1) throw std::runtime_error("somebody has removed this run's row from it");
}

void RecordFile::update_run(std::uint64_t executing) const {
  Statement update = database_->prepare("UPDATE runs SET updated = ?, executing = ? WHERE run = ?");
  update.bind(0, wall_clock_s()).bind(1, static_cast<std::int64_t>(executing)).bind(2, run_).execute();
  require_row();
}

void RecordFile::end_run(int exit_code) {
  if (run_ != 0) {
    require_in_place();
    const double now = wall_clock_s();
    Statement update = database_->prepare(
        "UPDATE runs SET updated = ?, ended = ?, exit_code = ?, executing = 0 WHERE run = ?");
    update.bind(0, now).bind(1, now).bind(2, static_cast<std::int64_t>(exit_code)).bind(3, run_).execute();
    require_row();
  }
  database_.reset();
  lock_.reset();
}

}  // namespace parrun::record
