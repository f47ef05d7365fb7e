#pragma once
// What the tests of harmful tasks share (tests/mpi/jobs/harm.cpp).

#include <signal.h>
#include <sys/types.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "support/batch.hpp"
#include "support/outcomes.hpp"

namespace parrun::test {

/// A batch that may call the functions of bad.cpp and of harm.cpp.
inline Batch harm_batch() {
  Batch batch;
  batch.load(test_module("harm"));
  return batch;
}

/// Of a run that was not run_jsonl()'s.
inline Outcomes parse_outcomes(const JobResult& result) {
  Outcomes run{result, {}};
  std::istringstream lines(result.out);
  for (std::string line; std::getline(lines, line);) {
    const auto object = nlohmann::json::parse(line);
    run.by_task[object["task"].get<int>()] = object;
  }
  return run;
}

inline std::string state_of(const Outcomes& run, int task) { return run.by_task.at(task)["state"]; }

inline std::string stdout_of(const Outcomes& run, int task) { return run.by_task.at(task)["stdout"]; }

/// Empty where it has none.
inline std::string warning_of(const Outcomes& run, int task) {
  return run.by_task.at(task).value("warning", std::string());
}

inline long count_state(const Outcomes& run, const std::string& state) {
  return std::count_if(run.by_task.begin(), run.by_task.end(),
                       [&](const auto& entry) { return entry.second["state"] == state; });
}

/// End of an attempt [s since 1970], of a task's object or of one of its "earlier".
inline double end_of(const nlohmann::json& attempt) {
  return attempt["started"].get<double>() + attempt["elapsed_s"].get<double>();
}

/// The process ids in a file, one in a line; of whole lines only.
inline std::vector<pid_t> pids_in(const std::string& path) {
  std::ifstream in(path);
  std::vector<pid_t> pids;
  for (std::string line; std::getline(in, line) && !in.eof();) pids.push_back(std::atoi(line.c_str()));
  return pids;
}

/// A zombie does not live.
inline bool lives(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string stat;
  std::getline(in, stat);  // which, unlike an iterator, does not throw where the process ends meanwhile
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= stat.size()) return false;
  return stat[name_end + 2] != 'Z' && stat[name_end + 2] != 'X';
}

inline long living(const std::vector<pid_t>& pids) { return std::count_if(pids.begin(), pids.end(), lives); }

}  // namespace parrun::test
