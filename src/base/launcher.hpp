#pragma once
// What started this process as a rank of an MPI job.

#include <optional>
#include <utility>

#include "base/clock.hpp"
#include "base/descriptor.hpp"

namespace parrun {

/// This process's rank as its launcher says it, 0 without one: for what has to be known before MPI_Init.
int launcher_rank();
/// A launcher says so.
bool is_surely_rank_0();
/// As a rank, that is, and not as a rank's task.
bool started_by_mpirun();

// The mpirun above this process. After MPI_Abort, and after the death of a rank, it waits for its daemons on
// the other hosts; for one that is cut off, without end. So somebody has to end it who outlives the ranks.
class Mpirun {
 public:
  // mpirun gives the ranks of an aborted job a second or two.
  static constexpr Duration kEndLimit = std::chrono::seconds(8);

  Mpirun() = default;
  /// `process`: its pidfd_open(2). `deadline`: of all that the job does, its output included.
  explicit Mpirun(Descriptor process, Duration end_limit = kEndLimit, std::optional<TimePoint> deadline = {})
      : process_(std::move(process)), end_limit_(end_limit), deadline_(deadline) {}
  /// Of rank 0, where mpirun runs on its host and the kernel has descriptors of processes (Linux 5.3); of
  /// others none.
  static Mpirun of_rank_0(std::optional<TimePoint> deadline = {});

  /// -1 where there is none.
  int descriptor() const { return process_.get(); }
  /// The job is over: waits until mpirun has ended, and kills it where it does not within its limit.
  void see_off() const;
  /// There is a deadline.
  bool has_deadline() const { return process_ && deadline_; }
  /// The ranks have ended as they should, but mpirun may have output of theirs that nobody takes: likewise,
  /// once the deadline has passed. REQUIRES: has_deadline().
  void see_off_behind_deadline() const;

 private:
  void end_by(TimePoint give_up) const;

  Descriptor process_;
  Duration end_limit_ = kEndLimit;
  std::optional<TimePoint> deadline_;
};

}  // namespace parrun
