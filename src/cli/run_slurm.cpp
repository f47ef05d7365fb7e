#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <utility>

#include "base/duration.hpp"
#include "cli/option_value.hpp"
#include "cli/run_arguments.hpp"
#include "cluster/job_end.hpp"
#include "cluster/requeue.hpp"
#include "cluster/slurm_job.hpp"
#include "parrun/errors.hpp"

namespace parrun {
namespace {

// The SLURM job around the run.
class SlurmSurroundings final : public Surroundings {
 public:
  struct Wishes {
    bool heed_end = true;
    std::optional<Duration> margin;
    bool requeue = false;
  };
  SlurmSurroundings(cluster::SlurmJob job, const Wishes& wishes)
      : job_(std::move(job)), wishes_(wishes), run_end_(wishes.margin) {}

  std::optional<OuterLimit> end() override {
    if (!wishes_.heed_end) return std::nullopt;
    if (!job_end_) job_end_ = std::make_unique<cluster::JobEnd>(job_.id, job_.end_s);
    const double now_s = wall_clock_s();
    const auto end = run_end_.of(job_end_->end_s(), now_s, Clock::now());
    if (!end) return std::nullopt;
    return OuterLimit{
        end->at, fmt::format("SLURM job {} ends in {} (--margin)", job_.id, format_duration(end->margin))};
  }
  bool end_known() override { return !wishes_.heed_end || job_end_->asked(); }

  bool restarts() const override { return wishes_.requeue; }
  std::string run_again() override { return cluster::requeue(job_.id); }

 private:
  cluster::SlurmJob job_;
  Wishes wishes_;
  cluster::RunEnd run_end_;
  std::unique_ptr<cluster::JobEnd> job_end_;
};

std::string why_no_part(const cluster::ArrayElement& element) {
  if (element.count == 1) {
    return fmt::format(
        "the job array is job {} alone, which does not tell what part of the batch is its; give --shard K/N, "
        "as in the whole array, or --shard 1/1 for the whole batch",
        element.id);
  }
  return fmt::format(
      "the job array has gaps between {} and {}, so that its jobs are no parts of a whole; give --shard K/N, "
      "or --shard 1/1 for the whole batch in each job",
      element.min, element.max);
}

// The job of an array runs its part of the batch.
void read_shard(RunArguments& arguments, const std::optional<cluster::SlurmJob>& job) {
  if (!arguments.shard.empty()) {
    arguments.run.shard = option_value("--shard", arguments.shard, parse_shard);
  } else if (job && job->array) {
    const std::optional<Shard> shard = job->array->shard();
    if (!shard) throw InputError(why_no_part(*job->array));
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
  arguments.run.may_move = true;
  // A job that was requeued goes on with what it has done, where it has recorded it.
  if (job->restarts > 0 && !arguments.no_record && !arguments.overwrite) arguments.resume = true;
  const SlurmSurroundings::Wishes wishes{
      .heed_end = arguments.deadline != kNone, .margin = margin, .requeue = arguments.requeue};
  arguments.run.surroundings = std::make_shared<SlurmSurroundings>(*job, wishes);
}

}  // namespace parrun
