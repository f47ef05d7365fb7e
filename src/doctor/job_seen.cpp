#include "doctor/job_seen.hpp"

#include <fmt/format.h>

#include "base/clock.hpp"
#include "cluster/command.hpp"
#include "cluster/job_end.hpp"

namespace parrun::doctor {

JobSeen look_at_job(const cluster::SlurmJob& job, const std::string& squeue, const std::string& scontrol) {
  JobSeen seen{.id = job.id};
  const std::string answer = cluster::squeue_answer(job.id, squeue);
  seen.squeue_answers = !answer.empty();
  const std::optional<double> end_s = seen.squeue_answers ? cluster::parse_end(answer) : job.end_s;
  if (end_s) seen.left_s = *end_s - wall_clock_s();
  seen.scontrol = !cluster::output_of(fmt::format("command -v {}", scontrol)).empty();
  return seen;
}

}  // namespace parrun::doctor
