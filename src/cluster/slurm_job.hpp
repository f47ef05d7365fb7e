#pragma once
// The SLURM job that this process runs in, as its environment tells it. Pure, but for getenv(3).

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace parrun::cluster {

struct SlurmJob {
  std::string id;    ///< as squeue and scontrol take it
  int restarts = 0;  ///< how often it was requeued
  std::optional<double>
      end_s;  ///< when it will be ended [s since 1970], where this version of SLURM tells it
};

/// None outside of a job. `variable` returns an environment variable, or null.
std::optional<SlurmJob> slurm_job(const std::function<const char*(const char*)>& variable);

/// The end of a job [s since 1970], as `SLURM_TIME_FORMAT=%s squeue -h -o %e` prints it; none where it has no
/// limit, or the text is something else.
std::optional<double> parse_end(std::string_view text);

}  // namespace parrun::cluster
