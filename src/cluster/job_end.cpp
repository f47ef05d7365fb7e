#include "cluster/job_end.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "cluster/command.hpp"
#include "cluster/slurm_job.hpp"

namespace parrun::cluster {
std::string squeue_answer(const std::string& job_id, const std::string& squeue) {
  if (!is_job_id(job_id)) return {};
  std::string answer = output_of(
      fmt::format("exec env SLURM_TIME_FORMAT=%s timeout 20 {} -h -j {} -o %e 2>/dev/null", squeue, job_id));
  // Several lines are of several jobs, and do not tell which is this one's; a part of a line tells nothing.
  if (answer.find('\n') + 1 != answer.size()) answer.clear();
  return answer;
}

// What the thread and its owner share; it may outlive the owner.
struct JobEnd::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<double> end_s;
  bool asked = false;
  bool over = false;
};

JobEnd::JobEnd(const std::string& job_id, std::optional<double> known_s, const std::string& squeue)
    : shared_(std::make_shared<Shared>()) {
  shared_->end_s = known_s;
  shared_->asked = !is_job_id(job_id);
  if (shared_->asked) return;
  std::thread([shared = shared_, job_id, squeue] {
    std::unique_lock lock(shared->mutex);
    while (!shared->over) {
      lock.unlock();
      const std::string answer = squeue_answer(job_id, squeue);
      lock.lock();
      shared->asked = true;
      // No answer at all leaves what is known; "NONE" is an answer.
      if (!answer.empty()) shared->end_s = parse_end(answer);
      std::optional<double> left_s = shared->end_s;
      if (left_s) *left_s -= wall_clock_s();
      shared->changed.wait_for(lock, ask_again_after(left_s), [&] { return shared->over; });
    }
  }).detach();
}

JobEnd::~JobEnd() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->over = true;
  }
  shared_->changed.notify_one();
}

std::optional<double> JobEnd::end_s() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->end_s;
}

bool JobEnd::asked() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->asked;
}

Duration JobEnd::ask_again_after(std::optional<double> left_s) {
  if (!left_s) return kAskEvery;
  return from_seconds(std::clamp(*left_s / 4, to_seconds(kAskEveryNearTheEnd), to_seconds(kAskEvery)));
}

std::optional<RunEnd::End> RunEnd::of(std::optional<double> job_end_s, double now_s, TimePoint now) {
  if (job_end_s == job_end_s_) return end_;
  job_end_s_ = job_end_s;
  end_.reset();
  if (!job_end_s) return end_;
  constexpr double kYear_s = 366.0 * 24 * 3600;  // what is further away is no end, and would overflow
  const double left_s = *job_end_s - now_s;
  if (left_s > kYear_s) return end_;
  const Duration left = from_seconds(left_s);
  if (!margin_) margin_ = std::clamp<Duration>(left / 10, Duration::zero(), std::chrono::minutes(1));
  end_ = End{.at = now + left - *margin_, .margin = *margin_};
  return end_;
}

}  // namespace parrun::cluster
