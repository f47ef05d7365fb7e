#pragma once
#include <string>

#include "base/clock.hpp"

namespace parrun::doctor {

struct Options {
  std::string program;      ///< with its version, for the report
  std::string place = ".";  ///< where a run would be recorded: a file, or a folder for one
  Duration deadline = std::chrono::minutes(2);  ///< of all of it
};

/// Looks at the place that the ranks of this job are in, and tries there what a timeout depends on. Called on
/// every rank; rank 0 prints a report on stdout. Returns the exit code for this rank: 0 where a timeout
/// works.
int examine(const Options& options, TimePoint start);

}  // namespace parrun::doctor
