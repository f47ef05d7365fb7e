#pragma once
// The arguments of the default command as they are given, and what each group of them comes to. All but the
// first throw InputError, in words that name the option.

#include <optional>
#include <string>
#include <vector>

#include "report/console.hpp"
#include "run/batch_run.hpp"

namespace parrun {

inline constexpr const char* kNone = "none";  // --deadline none

struct RunArguments {
  RunOptions run;
  Console::Options console;
  std::string timeout, deadline, stall, lost_after;
  std::string memory_limit, cpu_limit, output_limit;
  std::string retry_delay, halt = "never", grace, margin;
  std::string shard;   ///< K/N, or empty
  std::string record;  ///< empty: beside the batch
  bool requeue = false;
  bool no_record = false, resume = false, resume_failed = false, overwrite = false;
  std::vector<std::string> words;  ///< the command line
};

std::optional<Duration> optional_duration(const char* option, const std::string& text);

/// The job around the run: its end, whether it comes again, and its part of the batch.
void heed_slurm(RunArguments& arguments);

/// Where the run is recorded, and what becomes of a record that is there. REQUIRES: after heed_slurm().
void read_record_options(RunArguments& arguments);

}  // namespace parrun
