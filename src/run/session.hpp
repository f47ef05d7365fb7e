#pragma once
// A rank's part among the ranks of one communicator, from the hello to the farewell: rank 0 has the crew, the
// others a worker, a lone rank both.

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/backoff.hpp"
#include "base/exit_code.hpp"
#include "core/signal_rule.hpp"
#include "run/crew.hpp"
#include "run/ending_signals.hpp"
#include "run/watchdog.hpp"
#include "run/worker.hpp"
#include "wire/loopback.hpp"
#include "wire/mpi_transport.hpp"

namespace parrun {

class Session {
 public:
  /// What a session stands on; all of it outlives it.
  struct Ground {
    std::vector<Executor*> processes;  ///< of this rank; with none functions run on a thread
    Watchdog& watchdog;
    EndingSignals* signals = nullptr;  ///< where those end the run in good order: at once, but see graceful()
    TimePoint start;                   ///< of the process
    Duration lost_after{};
  };

  Session(MpiTransport& transport, Ground ground) : ground_(std::move(ground)), transport_(transport) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int ranks() const { return transport_.ranks(); }
  bool is_dispatcher() const { return transport_.rank() == Rank(0); }

  /// Every rank: says hello, and `problem` if this rank cannot work. Ranks other than 0 serve until they are
  /// dismissed; then and there their part is over.
  void serve(const std::string& problem);

  // Rank 0 only.

  /// Begins to watch the limits and waits for every worker's hello. Returns the limit that passed before, if
  /// one did. `local_workers`: of a lone rank. Throws InputError where a worker cannot work.
  std::optional<Expiry> gather(const Limits& limits, const std::string& problem, int local_workers = 1);

  enum class Idle { wait, go_on };
  /// One turn of the loop on rank 0: `step`, the local workers if there are some, and where nothing was to do
  /// a short wait. Throws std::runtime_error where a worker is in trouble.
  void turn(const std::function<bool(TimePoint)>& step, Idle idle = Idle::wait);

  /// So long nobody waits for what this rank does next: a turn in which nothing was to do may be followed by
  /// as long a wait. Of one turn: to be said in its step.
  void not_awaited_for(Duration span) { not_awaited_for_ = span; }

  /// Turns until `done`, or until `limit` has passed; false then.
  bool turn_until(TimePoint limit, const std::function<bool()>& done,
                  const std::function<bool(TimePoint)>& step);

  /// Sends everyone home; to be followed by the end of the process with `exit_code`. A rank that does not say
  /// goodbye within the limits is aborted, with that exit code.
  void dismiss(int exit_code);

  /// While graceful, which it is not at first, the first signal does no more than to stand in signals(), as
  /// long as all is well; the second ends the run at once.
  void graceful(bool graceful) { graceful_ = graceful; }
  const SignalRule& signals() const { return rule_; }

  Crew& crew() { return *crew_; }
  /// What is left to do before the job's end must not hang: from now on the watchdog ends it with
  /// `exit_code`.
  void must_end(int exit_code) { arm_watchdog(Clock::now(), exit_code); }
  /// The caller is in its own code: nothing is expected of the loop.
  void rest() {
    if (!std::exchange(armed_, false)) return;
    ground_.watchdog.set(TimePoint::max(), 0);
    watchdog_set_ = {};
  }

 private:
  Hello hello(const std::string& problem, bool processes) const;
  Executor* process(std::size_t i) const {
    return i < ground_.processes.size() ? ground_.processes[i] : nullptr;
  }
  [[noreturn]] void end_orphaned() const;
  void rearm_watchdog(TimePoint now);
  void arm_watchdog(TimePoint limit, int exit_code) {
    armed_ = true;
    ground_.watchdog.set(limit, exit_code);
  }
  void hear_signals();
  void heed_signal();

  Ground ground_;
  MpiTransport& transport_;
  std::unique_ptr<Loopback> loopback_;
  std::deque<Worker> local_;  ///< of a lone rank
  std::unique_ptr<Crew> crew_;
  SignalRule rule_;  ///< rank 0
  bool graceful_ = false;
  Backoff backoff_;
  Duration not_awaited_for_{};
  TimePoint watchdog_set_{};
  bool armed_ = true;                         ///< the watchdog: whoever made it armed it
  bool leaving_ = false;                      ///< everyone has been sent home
  int exit_code_ = exit_code::kLimitReached;  ///< with which the watchdog ends the job
};

/// Prints one line on this rank and ends the whole job with exit code 3.
[[noreturn]] void end_job_for(const std::exception& error);

/// Waits until what this process wrote to stdout and stderr has been read, a moment at most: mpirun loses
/// what is still in the pipe at MPI_Abort.
void drain_output();

}  // namespace parrun
