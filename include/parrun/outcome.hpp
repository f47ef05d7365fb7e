#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "parrun/id.hpp"

namespace parrun {

enum class State : std::uint8_t { succeeded, failed, timed_out, lost, cancelled };

/// What an attempt of a task came to.
struct Outcome {
  TaskId task;
  int attempt = 1;
  State state = State::succeeded;
  Rank rank;                    ///< that ran it
  std::string host;             ///< that rank's
  double started_s = 0;         ///< start of the attempt [s since 1970, by that host's clock]
  double elapsed_s = 0;         ///< wall time of the attempt [s]
  double user_s = 0;            ///< its CPU time in user mode, its descendants' included [s]
  double system_s = 0;          ///< its CPU time in the kernel, likewise [s]
  std::int64_t max_rss_kb = 0;  ///< the largest resident size that one of its processes had [KiB]
  int exit_code = 0;            ///< as a shell reports it: 128 + signal where a signal ended it
  int signal = 0;               ///< the signal that ended it, or 0
  std::string error;            ///< why it did not succeed, in a line; empty where it did
  std::string error_type;       ///< the type of the exception it threw, or empty
  std::string error_value;      ///< that exception as bytes, where its type is known by PARRUN_ERROR
  std::string warning;          ///< what one should know all the same, in a line: processes left behind, ...
  std::string stdout_text;      ///< what it wrote
  std::string stderr_text;
  std::string value;  ///< a function's result: JSON if `value_is_json`, else an archive; empty for void
  bool value_is_json = false;
  /// Of the attempts before this one, in order, without what they wrote and their error_value; of a long
  /// error the beginning.
  std::vector<Outcome> earlier;

  bool succeeded() const { return state == State::succeeded; }
};

const char* to_string(State state);

}  // namespace parrun
