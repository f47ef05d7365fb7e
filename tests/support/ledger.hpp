#pragma once
// Batches of tests/mpi/jobs/ledger.cpp's tasks, what they wrote, and what the record says of them.

#include <fstream>
#include <map>
#include <string>

#include "record/database.hpp"
#include "support/batch.hpp"

namespace parrun::test {

struct Ledger {
  std::map<int, int> starts;  ///< by task
  std::map<int, int> ends;

  explicit Ledger(const std::string& path) {
    std::ifstream file(path);
    std::string what;
    for (int task = 0; file >> what >> task;) ++(what == "start" ? starts : ends)[task];
  }
  int total_starts() const {
    int total = 0;
    for (const auto& [task, count] : starts) total += count;
    return total;
  }
};

inline Batch ledger_batch(int tasks, const std::string& ledger, double seconds) {
  Batch batch;
  batch.load(test_module("ledger"));
  for (int task = 0; task < tasks; ++task) batch.call("ledger", {ledger, task, seconds});
  return batch;
}

/// The states in a record, by task; empty where there is none yet.
inline std::map<int, std::string> recorded_states(const std::string& record) {
  std::map<int, std::string> states;
  if (!std::ifstream(record) || std::ifstream(record).peek() == EOF) return states;
  if (std::ifstream(record + "-journal").peek() != EOF) return states;  // its making was cut short
  const Database database(record, Database::Access::read_only);
  Statement rows = database.prepare("SELECT task, state FROM tasks");
  while (rows.step()) states[static_cast<int>(rows.integer(0))] = std::string(rows.bytes(1));
  return states;
}

}  // namespace parrun::test
