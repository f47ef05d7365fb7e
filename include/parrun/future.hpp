#pragma once
// Results of tasks that were submitted one by one.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "parrun/done.hpp"
#include "parrun/pull_iterator.hpp"

namespace parrun {
namespace detail {

/// A submitted task, shared by its pool and its future.
class Submission {
 public:
  using Until = std::optional<std::chrono::steady_clock::time_point>;  ///< none: without end

  Submission() = default;
  Submission(const Submission&) = delete;
  Submission& operator=(const Submission&) = delete;
  virtual ~Submission() = default;

  virtual std::uint64_t index() const = 0;
  /// It has ended, or will not any more.
  virtual bool ready() const = 0;
  /// Turns the pool's loop until `enough`, or until then; false then.
  virtual bool wait(const std::function<bool()>& enough, Until until) = 0;
  virtual bool cancel() = 0;
  /// REQUIRES: ready(). Throws TimeoutError where a limit of the pool ended it.
  virtual const Outcome& outcome() const = 0;
  /// To be called when it is ready; at once where it is.
  virtual void when_ready(std::function<void()> then) = 0;
};

}  // namespace detail

/// The result of a task that was given to Pool::submit(). Copies are of the same task. Waiting turns the
/// pool's loop, on rank 0 and the pool's thread only. When the last copy is destroyed its task runs on; the
/// result is dropped.
template <typename R>
class Future {
 public:
  using Duration = std::chrono::nanoseconds;
  /// get_for()'s: nothing where the time passed before; for a task that returns nothing whether it has ended.
  using Maybe = typename std::conditional_t<std::is_void_v<R>, std::type_identity<bool>,
                                            std::type_identity<std::optional<R>>>::type;

  /// Belongs to no task: all but valid(), submission() and to be assigned to throws std::logic_error.
  Future() = default;
  explicit Future(std::shared_ptr<detail::Submission> submission) : submission_(std::move(submission)) {}

  /// It belongs to a task.
  bool valid() const { return submission_ != nullptr; }
  /// Its task's number among those submitted to its pool, from 0.
  std::uint64_t index() const { return there().index(); }
  /// Its task has ended, as far as is known: does not wait, or turn the loop.
  bool ready() const { return there().ready(); }

  void wait() const { wait_until(std::nullopt); }
  /// False where `span` passed before.
  bool wait_for(Duration span) const {
    const auto now = std::chrono::steady_clock::now();
    if (span > now.max() - now) return wait_until(std::nullopt);  // for ever
    return wait_until(now + span);
  }

  /// Waits, and gives what the task returned, as often as it is asked. Throws TaskError, or the task's own
  /// exception where its type is known by PARRUN_ERROR; TimeoutError where a limit of the pool ended it.
  R get() const {
    wait();
    return detail::value_of<R>(there().outcome());
  }
  /// The same, waiting no longer than `span`; the task runs on.
  Maybe get_for(Duration span) const {
    if (!wait_for(span)) return Maybe{};
    if constexpr (std::is_void_v<R>) {
      get();
      return true;
    } else {
      return get();
    }
  }
  /// Waits, and gives all that is known of the task. Throws TimeoutError where a limit ends the wait.
  Done<R> done() const {
    wait();
    return Done<R>(there().outcome());
  }

  /// Ends the task, also while it runs; get() then throws TaskError. False where it had ended before, or
  /// where it runs on a thread, which cannot be ended. Waits where a worker has the task, and gives out no
  /// other one meanwhile: of many that are cancelled in order few begin. No longer than 2 s: then false,
  /// though it may yet end as cancelled.
  bool cancel() { return there().cancel(); }

  /// REQUIRES: valid().
  const std::shared_ptr<detail::Submission>& submission() const { return submission_; }

 private:
  detail::Submission& there() const {
    if (!valid()) throw std::logic_error("this future belongs to no task");
    return *submission_;
  }
  bool wait_until(detail::Submission::Until until) const {
    detail::Submission& submission = there();
    return submission.wait([&] { return submission.ready(); }, until);
  }

  std::shared_ptr<detail::Submission> submission_;
};

/// Futures in the order in which they become ready: an input range of references to them, to be gone through
/// once. They must stay where they are until then.
template <typename F>
class AsCompleted {
 public:
  using iterator = detail::PullIterator<AsCompleted, F>;

  explicit AsCompleted(std::vector<F*> futures) : futures_(std::move(futures)) {
    for (std::size_t i = 0; i < futures_.size(); ++i) {
      if (!futures_[i]->valid()) throw std::logic_error("as_completed: a future that belongs to no task");
      futures_[i]->submission()->when_ready([ready = ready_, i] { ready->push_back(i); });
    }
  }

  /// Waits for the first; ++ for the next.
  iterator begin() {
    advance();
    return iterator(*this);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  friend iterator;

  F* current() const { return current_ ? futures_[*current_] : nullptr; }
  void advance() {
    current_.reset();
    if (given_ == futures_.size()) return;
    while (futures_[pending_]->ready() && pending_ + 1 < futures_.size()) ++pending_;
    if (ready_->empty())
      futures_[pending_]->submission()->wait([&] { return !ready_->empty(); }, std::nullopt);
    current_ = ready_->front();
    ready_->pop_front();
    ++given_;
  }

  std::vector<F*> futures_;
  std::shared_ptr<std::deque<std::size_t>> ready_ = std::make_shared<std::deque<std::size_t>>();
  std::size_t pending_ = 0;  ///< the first that was not ready when last looked at
  std::size_t given_ = 0;
  std::optional<std::size_t> current_;
};

/// `futures`: any range of Future<R>, all of one pool.
template <std::ranges::forward_range Futures>
auto as_completed(Futures& futures) {
  using F = std::ranges::range_value_t<Futures>;
  std::vector<F*> all;
  for (F& future : futures) all.push_back(&future);
  return AsCompleted<F>(std::move(all));
}

}  // namespace parrun
