#pragma once
// The run record: an SQLite file with two tables, which `sqlite3` and pandas read as they are.
//
//   tasks   a row for each task that has an outcome: its last one. A task without a row has none yet.
//     task        index in the batch, from 0
//     label       or NULL
//     state       succeeded | failed | timed_out | lost | cancelled
//     attempt     that ended so, from 1 in each run
//     rank, host  that ran it
//     started     [s since 1970]
//     elapsed_s, user_s, system_s   wall and CPU time of the attempt [s]
//     max_rss_kb  largest resident size of one of its processes [KiB]
//     exit_code, signal             as a shell reports them
//     error       why it did not succeed, in a line, or NULL
//     stdout, stderr   what it wrote (record/stored_text.hpp)
//     value       a function's result: text that is JSON, or a blob that is an archive; NULL where none
//     warning     or NULL
//     earlier     its earlier attempts, oldest first, or NULL: a JSON array of objects of an attempt's fields
//     error_type  of the exception that it threw, or NULL
//     run         that ran it: runs.run
//     checksum    XXH3-64 of the row without stdout, stderr and value: resuming believes no damaged row
//
//   runs    a row for each run on this record: the first and those that resumed it.
//     run         from 1
//     batch, batch_hash, tasks      path, content hash (hexadecimal) and number of tasks of the batch
//     shard       K/N: the record is of every N-th task, from task K - 1 on; 1/1: of all
//     command     that started it
//     host, pid, process            where its rank 0 is or was; `process` tells the pid from a later one
//     ranks       of the job
//     started, updated, ended       [s since 1970]; `ended` is NULL while it runs, and where it was killed
//     exit_code   or NULL
//     executing   tasks that were executing when it was last updated
//
// PRAGMA application_id is kApplicationId, PRAGMA user_version is kVersion. The file is in WAL mode: while a
// run has it open, `-wal` and `-shm` stand beside it and belong to it.

#include <string_view>

namespace parrun::record {

inline constexpr int kApplicationId = 0x7052756e;  // "pRun"
inline constexpr int kVersion = 2;

inline constexpr const char* kCreateTables = R"(
CREATE TABLE tasks(
  task INTEGER PRIMARY KEY, label TEXT, state TEXT NOT NULL, attempt INTEGER NOT NULL, rank INTEGER NOT NULL,
  host TEXT NOT NULL, started REAL NOT NULL, elapsed_s REAL NOT NULL, user_s REAL NOT NULL, system_s REAL NOT NULL,
  max_rss_kb INTEGER NOT NULL, exit_code INTEGER NOT NULL, signal INTEGER NOT NULL, error TEXT, stdout, stderr,
  value, warning TEXT, earlier TEXT, error_type TEXT, run INTEGER NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE runs(
  run INTEGER PRIMARY KEY, batch TEXT NOT NULL, batch_hash TEXT NOT NULL, tasks INTEGER NOT NULL, shard TEXT NOT NULL, command TEXT,
  host TEXT NOT NULL, pid INTEGER NOT NULL, process TEXT NOT NULL, ranks INTEGER NOT NULL, started REAL NOT NULL,
  updated REAL NOT NULL, ended REAL, exit_code INTEGER, executing INTEGER NOT NULL DEFAULT 0);
)";

/// All columns of `tasks`, in the order of the table.
inline constexpr std::string_view kTaskColumns =
    "task, label, state, attempt, rank, host, started, elapsed_s, user_s, system_s, max_rss_kb, exit_code, "
    "signal, error, stdout, stderr, value, warning, earlier, error_type, run, checksum";
inline constexpr std::string_view kTaskParameters =
    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?";

}  // namespace parrun::record
