#pragma once
// A worker's view of what executes its tasks: gives them in order, collects outcomes, notices starts, deaths
// and limits, takes back what has not started, replaces a dead executor. Never waits, but in await() and
// nap().
//
// Invariants: tasks_ holds, in order, every task that was given and has neither ended nor been taken back;
// the first `pushed_` of them are (or are being) written to the channel; of those that have begun the last
// may be executing, and the outcomes of the others lie in the channel.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fifo.hpp"
#include "core/outcome.hpp"
#include "exec/executor_body.hpp"
#include "exec/frames.hpp"
#include "exec/given_task.hpp"
#include "parrun/outcome.hpp"

namespace parrun {

/// Tasks that ended, with their outcomes as the executor encoded them: a large one behind all others.
class EndedTasks {
 public:
  struct Large {
    LargeOutcome outcome;
    int retries;
  };

  void add(BytesView outcome, int retries) {
    outcomes_ = ByteWriter(std::move(outcomes_)).put(outcome).take();
    retries_.push_back(retries);
  }
  /// `outcomes`: frames, behind kLengthRoom.
  void add(Bytes outcomes, const std::vector<int>& retries) {
    if (empty()) {
      outcomes_ = std::move(outcomes);
    } else {
      outcomes_.append(outcomes, kLengthRoom);
    }
    retries_.insert(retries_.end(), retries.begin(), retries.end());
  }
  /// REQUIRES: there is none yet, and nothing is added behind it.
  void add(Large large) { large_ = std::make_unique<Large>(std::move(large)); }
  /// REQUIRES: neither has a large one.
  void add(EndedTasks more) { add(std::move(more.outcomes_), more.retries_); }
  std::unique_ptr<Large> take_large() { return std::move(large_); }
  const Large* large() const { return large_.get(); }
  bool empty() const { return retries_.empty() && !large_; }
  std::size_t size() const { return retries_.size() + (large_ ? 1 : 0); }
  /// Of all outcomes but a large one.
  std::size_t bytes() const { return outcomes_.size(); }
  /// Calls `each(outcome, retries)` in order, but for a large one; the outcome's bytes are these tasks'.
  void for_each(auto each) const {
    ByteReader outcomes(BytesView(outcomes_).substr(kLengthRoom));
    for (const int retries : retries_) each(outcomes.get_bytes(), retries);
  }
  /// The outcomes one behind the other, behind kLengthRoom, and each one's retries.
  std::pair<Bytes, std::vector<int>> take() && { return {std::move(outcomes_), std::move(retries_)}; }

 private:
  Bytes outcomes_ = Bytes(kLengthRoom, '\0');
  std::vector<int> retries_;
  std::unique_ptr<Large> large_;
};

class Executor {
 public:
  // A larger one cannot be: a task has written over the channel.
  static constexpr std::uint64_t kMaxOutcomeBytes = std::uint64_t{1} << 36;

  explicit Executor(std::unique_ptr<ExecutorBody> body) : body_(std::move(body)) {}
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;
  ~Executor();

  /// Of the tasks that are given from now on. REQUIRES: it has none.
  void set_terms(const AttemptTerms& terms, std::optional<Duration> timeout);
  void give(GivenTask&& task) { tasks_.put(std::move(task)); }
  /// The next turn starts what executes, though no task is there yet: that takes longer than most tasks.
  void prepare() { wanted_ = true; }

  /// One turn: writes and reads what can be, and returns what has ended. Throws std::runtime_error where
  /// executors cannot be had any more.
  EndedTasks turn(TimePoint now);
  /// What has ended and no turn has returned, for one has thrown.
  EndedTasks take_ended() { return std::exchange(done_, {}); }

  struct Current {
    Assignment attempt;
    TimePoint since;
    std::optional<Duration> limit;
    bool ending;  ///< it was killed: its outcome comes
  };
  /// The task that is executing.
  std::optional<Current> current() const;

  /// Up to `count` tasks that have not started and now will not here, the last ones first.
  std::vector<GivenTask> take_back(std::size_t count);

  /// Ends `attempt`, if it still executes, with all its descendants; its outcome will have this state and
  /// error. False: it cannot be ended (a thread).
  bool kill(const Assignment& attempt, State state, std::string error);

  /// Outcomes of tasks that have ended are still to come.
  bool owes() const;

  /// Where its tasks find shared values.
  const std::shared_ptr<ShareTable>& shares() const { return body_->shares(); }
  /// Values were released: what is mapped of them is to go, once what executes has ended.
  void drop_released();

  bool has_tasks() const { return !tasks_.empty(); }
  std::size_t waiting() const { return tasks_.size() - (current() ? 1 : 0); }

  /// Sleeps until an outcome may be there, at most `limit`.
  void await(Duration limit);
  /// Sleeps until so much of outcomes is there that the executor may soon have to wait, or it has nothing
  /// left to do, at most `limit`.
  void nap(Duration limit);

  /// The run ended well. No more turns.
  void part() { body_->part(); }

 private:
  struct Verdict {
    State state;
    std::string error;
    bool of_attempt = false;  ///< else of the executor, whatever it was at
  };

  void push();
  void write_outgoing();
  void append_terms();
  void append_orders();
  ResourceLimits limits_of(const GivenTask& task) const;
  std::optional<Death> poll_death();
  void collect();
  void give_up_on(std::string_view damage);
  bool take_outcomes(std::vector<int>& retries);
  bool stands_for_large(BytesView frame) const;
  void take_large_outcome();
  int settle_first(BytesView outcome);
  bool believes(const Channel::Progress& progress) const;
  std::size_t died_with_it(const Death& death, const Channel::Progress& progress);
  void conclude(const Death& death, TimePoint now);
  void watch_progress(TimePoint now);
  TimePoint start_of_last(const Channel::Progress& progress) const;
  Outcome outcome_of(const GivenTask& task, const Death& death, Duration elapsed) const;
  void hold_back();
  void bound_output(TimePoint now);

  AttemptTerms terms_;
  std::optional<Duration> timeout_;  ///< of tasks that have none of their own
  Fifo<GivenTask> tasks_;            ///< their orders may be lent to the body
  std::unique_ptr<ExecutorBody> body_;
  bool alive_ = false;
  bool wanted_ = false;            ///< before there is a task
  bool damaged_ = false;           ///< what it says cannot be believed any more
  int deaths_without_a_task_ = 0;  ///< executors in a row that ended before they started one
  /// Executors in a row that were killed and had begun nothing, and no outcome between.
  int unexplained_ = 0;
  std::size_t pushed_ = 0;
  std::uint64_t ended_ = 0;  ///< outcomes of the living executor
  EndedTasks done_;          ///< not returned yet
  ByteWriter outgoing_;      ///< frames (from written_ on) that the ring had no space for yet
  std::size_t written_ = 0;
  Frames incoming_{kMaxOutcomeBytes};
  struct Noticed {
    std::uint64_t started = 0;
    TimePoint after;  ///< the last turn before that
    TimePoint by;
  } noticed_;  ///< the last start
  struct SeenMoving {
    std::uint64_t started = 0;
    std::uint64_t ended = 0;
    std::size_t bytes = 0;
    TimePoint at;
  } seen_moving_;
  TimePoint last_look_{};
  std::uint32_t wakes_ = 0;  ///< of outcomes, as the last turn began: what comes since then ends a nap
  TimePoint last_trim_{};
  std::optional<Verdict> verdict_;  ///< why we killed it
};

}  // namespace parrun
