#pragma once
// Runs of which a test wants every outcome, by its task.

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "support/batch.hpp"
#include "support/run_parrun.hpp"
#include "support/temp_dir.hpp"

namespace parrun::test {

struct Outcomes {
  JobResult result;
  std::map<int, nlohmann::json> by_task;  ///< by task
};

inline Outcomes run_jsonl(const Batch& batch, int ranks = 3, std::vector<std::string> options = {}) {
  const TempDir dir;
  options.insert(options.end(), {"--format", "jsonl"});
  Outcomes run{run_parrun(ranks, batch.run_args(batch.pack(dir), options)), {}};
  std::istringstream lines(run.result.out);
  for (std::string line; std::getline(lines, line);) {
    const auto object = nlohmann::json::parse(line);
    EXPECT_TRUE(run.by_task.emplace(object["task"].get<int>(), object).second) << "doubled: " << line;
  }
  return run;
}

inline std::string error_of(const Outcomes& run, int task) {
  return run.by_task.at(task)["error"].get<std::string>();
}

}  // namespace parrun::test
