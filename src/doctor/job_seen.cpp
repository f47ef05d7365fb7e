#include "doctor/job_seen.hpp"

#include <fmt/format.h>

#include "base/clock.hpp"
#include "cluster/command.hpp"

namespace parrun::doctor {

JobSeen look_at_job(const cluster::SlurmJob& job, const std::string& squeue, const std::string& scontrol) {
  JobSeen seen{.id = job.id};
  if (!cluster::is_job_id(job.id)) return seen;
  const std::string answer = cluster::output_of(
      fmt::format("exec env SLURM_TIME_FORMAT=%s timeout 20 {} -h -j {} -o %e 2>/dev/null", squeue, job.id));
  seen.squeue_answers = !answer.empty();
  const std::optional<double> end_s = seen.squeue_answers ? cluster::parse_end(answer) : job.end_s;
  if (end_s) seen.left_s = *end_s - wall_clock_s();
  seen.scontrol = !cluster::output_of(fmt::format("command -v {}", scontrol)).empty();
  return seen;
}

}  // namespace parrun::doctor
