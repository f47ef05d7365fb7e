#pragma once
// The SLURM job that this process runs in, as its environment tells it. Pure, but for getenv(3).

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/shard.hpp"

namespace parrun::cluster {

/// One job of a job array, as sbatch --array makes them.
struct ArrayElement {
  std::int64_t id = 0;
  std::int64_t count = 0;
  std::int64_t min = 0;  ///< of the ids, as is the next
  std::int64_t max = 0;
  std::int64_t step = 1;

  /// Its place among the others; none where ids are missing between them, or it is alone and neither 0 nor 1.
  std::optional<Shard> shard() const;
};

struct SlurmJob {
  std::string id;    ///< as squeue and scontrol take it, for this job alone
  int restarts = 0;  ///< how often it was requeued
  /// When it will be ended [s since 1970], where this version of SLURM tells it.
  std::optional<double> end_s = {};
  std::optional<ArrayElement> array = {};
};

/// None outside of a job. `variable` returns an environment variable, or null.
std::optional<SlurmJob> slurm_job(const std::function<const char*(const char*)>& variable);

/// The end of a job [s since 1970], as `SLURM_TIME_FORMAT=%s squeue -h -o %e` prints it; none where it has no
/// limit, or the text is something else.
std::optional<double> parse_end(std::string_view text);

}  // namespace parrun::cluster
