#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <utility>

#include "base/duration.hpp"
#include "cli/run_arguments.hpp"
#include "cluster/job_end.hpp"
#include "cluster/requeue.hpp"
#include "cluster/slurm_job.hpp"
#include "parrun/errors.hpp"

namespace parrun {
namespace {

// The end of the SLURM job around the run. Called on rank 0 only, once it may have threads.
class JobLimit {
 public:
  JobLimit(cluster::SlurmJob job, std::optional<Duration> margin) : job_(std::move(job)), run_end_(margin) {}

  std::optional<OuterLimit> now() {
    if (!job_end_) job_end_ = std::make_unique<cluster::JobEnd>(job_.id, job_.end_s);
    const double now_s = wall_clock_s();
    const auto end = run_end_.of(job_end_->end_s(), now_s, Clock::now());
    if (!end) return std::nullopt;
    return OuterLimit{
        end->at, fmt::format("SLURM job {} ends in {} (--margin)", job_.id, format_duration(end->margin))};
  }

  bool known() const { return job_end_->asked(); }

 private:
  cluster::SlurmJob job_;
  cluster::RunEnd run_end_;
  std::unique_ptr<cluster::JobEnd> job_end_;
};

// The job of an array runs its part of the batch.
void read_shard(RunArguments& arguments, const std::optional<cluster::SlurmJob>& job) {
  if (!arguments.shard.empty()) {
    try {
      arguments.run.shard = parse_shard(arguments.shard);
    } catch (const InputError& error) {
      throw InputError(std::string("--shard: ") + error.what());
    }
  } else if (job && job->array) {
    const std::optional<Shard> shard = job->array->shard();
    if (!shard) {
      throw InputError(
          fmt::format("the job array has gaps between {} and {}, so that its jobs are no parts of a whole; "
                      "give --shard K/N, "
                      "or --shard 1/1 for the whole batch in each job",
                      job->array->min, job->array->max));
    }
    arguments.run.shard = *shard;
    arguments.console.shard_reason = "as SLURM_ARRAY_TASK_ID says; --shard 1/1 runs them all";
  }
}

}  // namespace

void heed_slurm(RunArguments& arguments) {
  const std::optional<Duration> margin = optional_duration("--margin", arguments.margin);
  const std::optional<cluster::SlurmJob> job =
      cluster::slurm_job([](const char* name) { return std::getenv(name); });
  read_shard(arguments, job);
  if (!job && arguments.requeue)
    throw InputError("--requeue is for SLURM jobs; this is none (no SLURM_JOB_ID)");
  if (!job) return;
  if (arguments.requeue) arguments.run.run_again = [id = job->id] { return cluster::requeue(id); };
  // A job that was requeued goes on with what it has done, where it has recorded it.
  if (job->restarts > 0 && !arguments.no_record && !arguments.overwrite) arguments.resume = true;
  if (arguments.deadline == kNone) return;
  const auto limit = std::make_shared<JobLimit>(*job, margin);
  arguments.run.outer_limit = [limit] { return limit->now(); };
  arguments.run.outer_limit_known = [limit] { return limit->known(); };
}

}  // namespace parrun
