#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"

namespace parrun::cluster {

/// What squeue says of a job's end, to be read by parse_end(); empty where it does not answer in one line,
/// within 20 s. `squeue`: the program.
std::string squeue_answer(const std::string& job_id, const std::string& squeue);

// When the SLURM job around this process will be ended. Asks squeue on a thread of its own, again and again,
// for a job can be extended and shortened; nobody waits for the answer. libslurm is not asked: what it
// returns is laid out anew in each version.
class JobEnd {
 public:
  static constexpr Duration kAskEvery = std::chrono::seconds(30);
  static constexpr Duration kAskEveryNearTheEnd = std::chrono::seconds(5);

  /// `known_s`: from the environment, until squeue has answered. `squeue`: the program.
  explicit JobEnd(const std::string& job_id, std::optional<double> known_s = {},
                  const std::string& squeue = "squeue");
  JobEnd(const JobEnd&) = delete;
  JobEnd& operator=(const JobEnd&) = delete;
  /// Waits for nothing.
  ~JobEnd();

  /// [s since 1970]; none where it is not known yet, or the job has no limit.
  std::optional<double> end_s() const;
  /// squeue has answered, or could not.
  bool asked() const;
  /// How long after an answer to ask again, with `left_s` until the job's end: the sooner, the nearer that
  /// is. A run that is about to end for it should have heard of an extension.
  static Duration ask_again_after(std::optional<double> left_s);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

/// When a run in that job ends itself, by this process's clock: a margin before the job's end.
class RunEnd {
 public:
  struct End {
    TimePoint at;
    Duration margin;
  };

  /// Without `margin`: a tenth of what is left of the job when that is first known, at most a minute.
  explicit RunEnd(std::optional<Duration> margin) : margin_(margin) {}

  /// `job_end_s`, `now_s` [s since 1970], and `now` at the same moment. The same answer as long as the job's
  /// end is the same, whatever the system's clock does.
  std::optional<End> of(std::optional<double> job_end_s, double now_s, TimePoint now);

 private:
  std::optional<Duration> margin_;
  std::optional<double> job_end_s_;
  std::optional<End> end_;
};

}  // namespace parrun::cluster
