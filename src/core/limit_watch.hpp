#pragma once
// The dispatcher's limits. Pure: `now` is an argument. It is asked in each turn of every phase (start-up,
// dispatch, the wait for results, shutdown), so that no phase is without a limit.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/exit_code.hpp"
#include "parrun/id.hpp"

namespace parrun {

struct Limits {
  std::optional<Duration> timeout;                 ///< of one task, from the start of its execution
  std::optional<Duration> deadline;                ///< of the run, from the start of rank 0
  std::optional<Duration> stall;                   ///< without an outcome of any task
  Duration lost_after = std::chrono::seconds(30);  ///< without a message from a worker
};

/// A limit that the run's surroundings set, and may move: the end of the job that it runs in.
struct OuterLimit {
  TimePoint at;
  std::string what;  ///< in words: which limit
};

/// What ends a run before its tasks are done: a limit that was reached, or a signal.
struct Expiry {
  enum class Kind { task, deadline, stall, lost, signal } kind;
  std::optional<Rank> rank;  ///< whose task overran, or who is silent
  std::string what;          ///< in words: which limit, of how long
  int signal = 0;            ///< that ends the run

  /// Of the run that it ends.
  int code() const { return kind == Kind::signal ? exit_code::kSignal + signal : exit_code::kLimitReached; }
};

/// What a worker is executing, as far as the dispatcher knows.
struct Running {
  Assignment attempt;
  TimePoint since;  ///< by rank 0's clock
  std::optional<Duration> limit;
};

class LimitWatch {
 public:
  // A worker enforces its tasks' limits itself. The dispatcher steps in this much later if the worker is
  // silent too: it would have sent a heartbeat within kSilence.
  static constexpr Duration kWorkerGrace = std::chrono::seconds(1);
  static constexpr Duration kSilence = std::chrono::milliseconds(1500);
  static constexpr Duration kShortestLostAfter = std::chrono::seconds(2);
  // A turn that comes this long after the last one comes after a pause of rank 0's own (a caller's code, a
  // suspended job): what the workers said meanwhile is still to be read, and their silence is counted from
  // here.
  static constexpr Duration kPause = std::chrono::milliseconds(500);

  LimitWatch(Limits limits, TimePoint start, int ranks);

  /// Another run begins, with limits of its own; the workers are the same.
  void restart(const Limits& limits, TimePoint start);

  /// From now on; none: no such limit.
  void set_outer(std::optional<OuterLimit> outer) { outer_ = std::move(outer); }
  const std::optional<OuterLimit>& outer() const { return outer_; }

  /// Each turn of the loop begins with this.
  void on_turn(TimePoint now);
  /// What the workers said of their tasks has lain unread for a while.
  void on_pause(TimePoint now) { back_ = now; }
  void on_message(Rank from, TimePoint now);
  void on_running(Rank worker, std::optional<Running> running);
  void on_outcome(TimePoint now) { last_outcome_ = now; }
  /// From here on something is waited for: the stall clock runs.
  void on_wait(TimePoint now);
  /// Nothing is waited for: the stall clock stands.
  void on_rest() { last_outcome_.reset(); }
  /// The caller's own code was asked for tasks, and took until now: the stall clock stood meanwhile.
  void on_pulled(TimePoint now) { pulled_ = now; }
  /// The rank said goodbye: its silence means nothing now.
  void on_farewell(Rank worker);
  /// The rank is no more. What it was executing is still known.
  void on_failed(Rank worker);

  /// The first limit that has passed, or none.
  std::optional<Expiry> tick(TimePoint now) const;

  const Limits& limits() const { return limits_; }
  const std::optional<Running>& running(Rank worker) const { return peer(worker).running; }
  /// When the first limit on the run or on a task passes, if nothing happens until then; never:
  /// TimePoint::max().
  TimePoint next_limit() const;

 private:
  struct Peer {
    std::optional<TimePoint> heard;  ///< none: not watched
    std::optional<Running> running;
  };
  const Peer& peer(Rank rank) const { return peers_[static_cast<std::size_t>(rank.get())]; }
  Peer& peer(Rank rank) { return peers_[static_cast<std::size_t>(rank.get())]; }
  TimePoint task_limit(const Peer& peer) const;
  TimePoint silence_limit(const Peer& peer) const;
  TimePoint stall_limit() const;
  TimePoint limit(const Peer& peer) const;
  std::optional<Expiry> tick_peer(int rank, TimePoint now) const;

  Limits limits_;
  std::optional<OuterLimit> outer_;
  TimePoint start_;
  std::optional<TimePoint> last_outcome_;
  TimePoint last_turn_;
  TimePoint back_;    ///< from the last pause
  TimePoint pulled_;  ///< from the caller's own code
  std::vector<Peer> peers_;
  // Before that no peer's limit passes: there is no need to look at each, as they may be many.
  mutable TimePoint quiet_until_ = TimePoint::min();
};

}  // namespace parrun
