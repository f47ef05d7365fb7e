#pragma once
// Run records for tests, written as a run writes them.

#include <fmt/format.h>

#include <string>
#include <utility>

#include "record/database.hpp"
#include "record/reader.hpp"
#include "record/row.hpp"
#include "record/schema.hpp"

namespace parrun::test {

inline record::Row row(std::uint64_t task, State state = State::succeeded, std::string error = {}) {
  record::Row row;
  row.outcome.task = TaskId(task);
  row.outcome.state = state;
  row.outcome.rank = Rank(1);
  row.outcome.host = "node1";
  row.outcome.error = std::move(error);
  return row;
}

inline record::Run run_of(std::uint64_t tasks) {
  record::Run run;
  run.batch = "jobs.bin";
  run.tasks = tasks;
  run.host = "node1";
  run.pid = 1234;
  run.process = "mark";
  run.ranks = 5;
  return run;
}

// A record as a run leaves it; and while this lives, as one that a run is writing.
class WrittenRecord {
 public:
  explicit WrittenRecord(std::string path)
      : path_(std::move(path)), database_(made(path_)), writer_(database_) {}

  /// The run's row, new or in place of its earlier one.
  WrittenRecord& add(const record::Run& run) {
    database_.execute(
        fmt::format("INSERT OR REPLACE INTO runs VALUES({}, '{}', '{}', {}, '{}', '{}', '{}', {}, "
                    "'{}', {}, {}, {}, {}, {}, "
                    "{})",
                    run.run, run.batch, run.batch_hash, run.tasks, to_string(run.shard), run.command,
                    run.host, run.pid, run.process, run.ranks, run.started_s, run.updated_s,
                    run.ended_s ? fmt::format("{}", *run.ended_s) : "NULL",
                    run.exit_code ? fmt::format("{}", *run.exit_code) : "NULL", run.executing)
            .c_str());
    return *this;
  }
  WrittenRecord& add(record::Row row) {
    writer_.write(row);
    return *this;
  }
  const Database& database() const { return database_; }

 private:
  static Database made(const std::string& path) {
    Database database(path, Database::Access::read_write);
    if (database.integer("PRAGMA page_count") > 0) return database;  // gone on with
    database.execute("PRAGMA journal_mode = WAL");
    database.execute(fmt::format("PRAGMA application_id = {}", record::kApplicationId).c_str());
    database.execute(fmt::format("PRAGMA user_version = {}", record::kVersion).c_str());
    database.execute(record::kCreateTables);
    return database;
  }

  std::string path_;
  Database database_;
  record::RowWriter writer_;
};

}  // namespace parrun::test
