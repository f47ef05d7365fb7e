#pragma once
// The process that forks executors and outlives the rank by the moment it takes to end all of them.
//
// It is forked before MPI_Init, so neither MPI's state nor its pinned memory is in any task's process. It
// lives in a session of its own, where mpirun's and the terminal's signals do not reach it, adopts the
// orphans of whatever runs under it, and ends every descendant, in whatever session or group, as soon as its
// socket to the rank closes: by exit, crash, kill -9 or MPI_Abort of the rank, or the end of mpirun.

#include <sys/types.h>

#include <functional>
#include <optional>
#include <vector>

#include "base/descriptor.hpp"

namespace parrun {

/// How an executor ended.
struct Death {
  int wait_status = 0;
  int spawn_error = 0;  ///< errno of a fork that failed; 0: it lived
};

class Zygote {
 public:
  /// Forks. `executor` is what an executor runs, in a process of its own; `keep` are the descriptors it
  /// needs. REQUIRES: this process has one thread. Throws std::system_error.
  Zygote(const std::function<void()>& executor, const std::vector<int>& keep);
  Zygote(const Zygote&) = delete;
  Zygote& operator=(const Zygote&) = delete;
  /// Closes the socket; the zygote ends itself and all under it.
  ~Zygote() = default;

  // Neither waits. REQUIRES for spawn: no executor lives. Throw std::system_error where the zygote is gone.
  void spawn();
  /// Kills the executor and all its descendants; poll_death() tells when it is done.
  void kill();
  /// The death of the executor, after the last of its descendants has ended, once.
  std::optional<Death> poll_death();

 private:
  void request(char what);

  Descriptor socket_;
};

}  // namespace parrun
