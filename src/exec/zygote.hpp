#pragma once
// The process that forks executors and outlives the rank by the moment it takes to end all of them.
//
// It is forked before MPI_Init, so neither MPI's state nor its pinned memory is in any task's process. It
// lives in a session of its own, where mpirun's and the terminal's signals do not reach it, adopts the
// orphans of whatever runs under it, and ends every descendant, in whatever session or group, as soon as its
// socket to the rank closes: by exit, crash, kill -9 or MPI_Abort of the rank, or the end of mpirun.
//
// Of rank 0 it is also who outlives the job: what is said in base/launcher.hpp is its to do.
//
// It is also who can see all of an attempt's processes, so it holds them to their limits of memory and CPU
// time.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <vector>

#include "base/descriptor.hpp"
#include "base/launcher.hpp"
#include "exec/attempt_limits.hpp"
#include "exec/scratch.hpp"

namespace parrun {

enum class ZygoteRequest : char;

/// How an executor ended.
struct Death {
  int wait_status = 0;                         ///< also of one that stopped itself, and was killed for it
  int spawn_error = 0;                         ///< errno of a fork that failed; 0: it lived
  std::optional<ExceededLimit> exceeded = {};  ///< for which it was killed
  Assignment exceeded_by = {};                 ///< the attempt that had: one behind it may have died with it
  // Of its last attempt, with all that ran under it.
  double user_s = 0;
  double system_s = 0;
  std::int64_t max_rss_kb = 0;
};

static_assert(std::is_trivially_copyable_v<Death>, "it is sent as it stands");

class Zygote {
 public:
  struct Plan {
    std::function<void()> executor;  ///< what an executor runs, in a process of its own
    std::vector<int> descriptors;    ///< that it needs
    bool keep_children = false;      ///< what an executor leaves at its own end lives on
    const Scratch* scratch = nullptr;
    AttemptNote* note = nullptr;
    const Mpirun* mpirun = nullptr;  ///< which is to end soon when the rank dies
  };

  /// Forks. REQUIRES: this process has one thread. Throws std::system_error.
  explicit Zygote(const Plan& plan);
  Zygote(const Zygote&) = delete;
  Zygote& operator=(const Zygote&) = delete;
  /// dismiss(), and waits for the zygote's end, until a second behind that.
  ~Zygote();

  /// The rank ends as it should. Where this is not called before its end it has died, and its launcher is to
  /// end the job.
  void leave() noexcept;
  /// leave(), and closes the socket: the zygote ends itself and all under it. Nothing more may be asked.
  void dismiss() noexcept;

  // None waits. Throw std::system_error where the zygote is gone.
  void spawn();  ///< REQUIRES: no executor lives
  /// Kills the executor and all its descendants; poll_death() tells when it is done.
  void kill();
  /// From now on attempts may have limits of memory or CPU time.
  void watch_limits();
  /// The run ended well: children that were kept outlive it.
  void release_kept();
  /// The death of the executor, after the last of its descendants has ended, once.
  std::optional<Death> poll_death();

 private:
  void request(ZygoteRequest what);

  Descriptor socket_;
  pid_t pid_ = 0;
  TimePoint dismissed_{};
};

}  // namespace parrun
