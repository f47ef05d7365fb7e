#pragma once
// Runs tasks on the other ranks and gives their results back: all at once, or one after another as a lazy
// range.

#include <chrono>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include "parrun/archive.hpp"
#include "parrun/errors.hpp"
#include "parrun/outcome.hpp"
#include "parrun/task.hpp"

namespace parrun {

/// How a task of type R ended. A value of its own: outlives the range it came from.
template <typename R>
class Done {
 public:
  explicit Done(Outcome outcome) : outcome_(std::move(outcome)) {}

  /// The task's position in the range it came from, from 0.
  std::uint64_t index() const { return outcome_.task.get(); }
  bool succeeded() const { return outcome_.succeeded(); }
  /// What it returned. Throws TaskError where it did not succeed.
  R value() const {
    if (!succeeded()) {
      throw TaskError(index(), outcome_.rank.get(), outcome_.host, outcome_.error_type, outcome_.error);
    }
    if constexpr (!std::is_void_v<R>) return std::move(std::get<0>(detail::from_bytes<R>(outcome_.value)));
  }
  /// All that is known of it: rank, host, times, output, error.
  const Outcome& outcome() const { return outcome_; }

 private:
  Outcome outcome_;
};

/// Limits of one call. None: no such limit.
struct Limit {
  std::optional<std::chrono::nanoseconds> timeout = {};   ///< of each task, from the start of its execution
  std::optional<std::chrono::nanoseconds> deadline = {};  ///< of the call, from its start
  std::optional<std::chrono::nanoseconds> stall = {};     ///< without any task ending
};

namespace detail {

using Feed = std::function<std::optional<CallFields>()>;  ///< the next task, or none at the end
enum class Yield { as_finished, in_order };

/// One call on a pool, under way.
class CallRun {
 public:
  virtual ~CallRun() = default;  ///< leaves it: ends what still runs
  /// Waits for the next outcome; none at the end. Throws TimeoutError, and what the feed throws.
  virtual std::optional<Outcome> next() = 0;
};

template <typename T>
struct ResultOf;
template <typename R>
struct ResultOf<Task<R>> {
  using type = R;
};
template <typename Tasks>
using ResultOfRange = typename ResultOf<std::ranges::range_value_t<Tasks>>::type;

// Pulls tasks out of any input range, an endless one too. Tasks is T for an rvalue, which is kept, and T& for
// an lvalue, which is referred to.
template <typename Tasks>
struct FeedState {
  Tasks tasks;
  std::ranges::iterator_t<Tasks> next;

  explicit FeedState(Tasks&& range) : tasks(std::forward<Tasks>(range)), next(std::ranges::begin(tasks)) {}
  FeedState(const FeedState&) = delete;
  FeedState& operator=(const FeedState&) = delete;
};

template <typename Tasks>
Feed feed_from(Tasks&& tasks) {
  return [state =
              std::make_shared<FeedState<Tasks>>(std::forward<Tasks>(tasks))]() -> std::optional<CallFields> {
    if (state->next == std::ranges::end(state->tasks)) return std::nullopt;
    CallFields fields = (*state->next).fields();
    ++state->next;
    return fields;
  };
}

}  // namespace detail

/// Results as they come: an input range, to be gone through once. Move-only; must not outlive its pool.
/// Destroyed before its end, it cancels what was not started and ends what runs.
template <typename R>
class Results {
 public:
  class iterator {
   public:
    using value_type = Done<R>;
    using difference_type = std::ptrdiff_t;

    explicit iterator(Results* results) : results_(results) {}
    Done<R>& operator*() const { return *results_->current_; }
    iterator& operator++() {
      results_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t /*end*/) const { return !results_->current_; }

   private:
    Results* results_;
  };

  explicit Results(std::unique_ptr<detail::CallRun> run) : run_(std::move(run)) {}

  /// Waits for the first result. begin() and ++ throw TimeoutError when a limit is reached, once, after the
  /// results that had arrived were given.
  iterator begin() {
    advance();
    return iterator(this);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  void advance() {
    current_.reset();
    if (auto outcome = run_->next()) current_.emplace(std::move(*outcome));
  }

  std::unique_ptr<detail::CallRun> run_;
  std::optional<Done<R>> current_;
};

/// The workers, on rank 0. One call at a time: a second one while a range is still in use throws
/// std::logic_error. Tasks are any input range of Task<R>; it is pulled only as far ahead as keeps the
/// workers busy.
class Pool {
 public:
  class Impl;
  explicit Pool(std::unique_ptr<Impl> impl);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool();

  /// Ranks that execute tasks.
  int workers() const;

  /// All results, in the order of the tasks. Throws TaskError for the first task found not to have succeeded,
  /// TimeoutError when a limit is reached.
  template <std::ranges::input_range Tasks, typename R = detail::ResultOfRange<Tasks>>
  requires(!std::is_void_v<R>) std::vector<R> map(Tasks&& tasks, const Limit& limit = {}) {
    std::vector<std::optional<R>> values;
    for (auto&& done : unordered(std::forward<Tasks>(tasks), limit)) {
      if (values.size() <= done.index()) values.resize(done.index() + 1);
      values[done.index()] = done.value();
    }
    std::vector<R> results;
    results.reserve(values.size());
    for (auto& value : values) results.push_back(std::move(*value));
    return results;
  }

  /// Results in the order of the tasks, each as soon as it and all before it are there.
  template <std::ranges::input_range Tasks>
  auto ordered(Tasks&& tasks, const Limit& limit = {}) {
    return Results<detail::ResultOfRange<Tasks>>(
        start(detail::feed_from(std::forward<Tasks>(tasks)), limit, detail::Yield::in_order));
  }

  /// Results in the order in which the tasks finish.
  template <std::ranges::input_range Tasks>
  auto unordered(Tasks&& tasks, const Limit& limit = {}) {
    return Results<detail::ResultOfRange<Tasks>>(
        start(detail::feed_from(std::forward<Tasks>(tasks)), limit, detail::Yield::as_finished));
  }

 private:
  std::unique_ptr<detail::CallRun> start(detail::Feed feed, const Limit& limit, detail::Yield yield);

  std::unique_ptr<Impl> impl_;
};

enum class Isolation {
  process,  ///< tasks run in a process of their own: a crash harms only the task, a stuck one can be killed
  none      ///< tasks run on a thread of the rank
};

struct PoolOptions {
  Isolation isolation = Isolation::process;
  std::chrono::nanoseconds lost_after =
      std::chrono::seconds(30);  ///< a rank silent for this long ends the call
};

/// A whole MPI program: starts MPI, calls `body` on rank 0 while the other ranks serve, and ends all of them.
/// To be called first thing in main() and returned from it. Returns 0, or 1 where `body` threw, after one
/// line on stderr; a TimeoutError that leaves `body` ends the job with exit code 124. A lone rank executes
/// its tasks itself.
int main(int argc, char** argv, const std::function<void(Pool&)>& body, const PoolOptions& options = {});

}  // namespace parrun
