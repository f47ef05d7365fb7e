#pragma once
// Runs whose end is measured from the moment at which their tasks began (tests/mpi/jobs/marks.cpp).

#include <chrono>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "support/run_parrun.hpp"

namespace parrun::test {

/// [s since 1970]
inline double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// When the first task marked its start in `file` [s since 1970], if one has.
inline std::optional<double> first_mark(const std::string& file) {
  double time = 0;
  if (std::ifstream(file) >> time) return time;
  return std::nullopt;
}

/// Below zero before the first mark.
inline double seconds_since_first_mark(const std::string& file) {
  const std::optional<double> mark = first_mark(file);
  return mark ? wall_time() - *mark : -1;
}

struct TimedRun {
  JobResult result;
  double end;  ///< [s since 1970]

  TimedRun(int ranks, const std::vector<std::string>& args, const RunOptions& options = {}) {
    Job job = start_parrun(ranks, args, options);
    const double start = wall_time();
    result = job.wait(60s);
    end = start + result.seconds;
    job.expect_nothing_left();
  }

  /// [s]; NaN where no task began.
  double since_first_mark(const std::string& file) const {
    return end - first_mark(file).value_or(std::numeric_limits<double>::quiet_NaN());
  }
};

}  // namespace parrun::test
