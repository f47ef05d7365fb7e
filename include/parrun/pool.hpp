#pragma once
// Runs tasks on the other ranks and gives their results back: all at once, one after another as a lazy range,
// or each by a future.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "parrun/call_options.hpp"
#include "parrun/feed.hpp"
#include "parrun/future.hpp"
#include "parrun/results.hpp"
#include "parrun/shared.hpp"
#include "parrun/task.hpp"

namespace parrun {

class Communicator;  // parrun/mpi.hpp

enum class Isolation {
  process,  ///< tasks run in a process of their own: a crash harms only the task, a stuck one can be killed
  none      ///< tasks run on a thread of the rank
};

struct PoolOptions {
  Isolation isolation = Isolation::process;
  /// A rank silent for this long ends the call; at least 2 s.
  std::chrono::nanoseconds lost_after = std::chrono::seconds(30);
  /// Of a pool of one rank, which executes its tasks itself: how many run at once. They count as ranks 1 to
  /// as many; a single one as rank 0.
  int local_workers = 1;
};

/// The workers, on rank 0, for one thread of it: that which has initialised MPI. Work goes on while the
/// caller waits in here (for a result, a future); in the caller's own code between two steps the workers
/// finish what they have at hand, and hold its limits. On another thread, and so in a task on a thread of
/// rank 0, to begin or to wait for anything in here throws std::logic_error.
///
/// One call at a time: a second one while a range of results is still in use throws std::logic_error. Tasks
/// that were submitted before a call end before it begins, within its deadline. Tasks cannot use the pool.
/// Tasks are any input range of Task<R>, also an endless one or one that throws.
///
/// Whatever waits in here throws std::runtime_error where a rank cannot execute tasks any more (which, why),
/// or MPI fails; then the pool is good for nothing but its end.
class Pool {
 public:
  class Impl;
  explicit Pool(std::unique_ptr<Impl> impl);
  /// Of a code that owns MPI; include parrun/mpi.hpp. On rank 0 of `communicator`, while all its other ranks
  /// call serve(); collective over it. The communicator is duplicated: messages and error handlers of the
  /// code's own are left alone. Waits ten times lost_after for the other ranks. Throws std::logic_error where
  /// MPI was not initialised with MPI_THREAD_FUNNELED or above, or was finalised, process isolation is wanted
  /// where a rank made no Environment, another pool has this rank's executors, or the communicator is
  /// MPI_COMM_NULL or this rank not its 0; InputError where ranks are different programs; TimeoutError
  /// where ranks do not come: those that came stay in serve(), where no message can reach them before all are
  /// there, until the job ends (MPI_Abort).
  explicit Pool(const Communicator& communicator, const PoolOptions& options = {});
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  /// Sends the workers home: their serve() returns. Futures that have not ended are cancelled. Where a task
  /// could not be ended the job is aborted with exit code 124.
  ~Pool();

  /// Ranks that execute tasks.
  int workers() const;

  /// Puts an array once on every node, for tasks to refer to: a std::vector, std::array, std::span or
  /// std::string of trivially copyable elements, or one such value. A copy is made here too; what was given
  /// is not needed any more. Waits until every worker can read it; a call that is under way stands still
  /// meanwhile. Throws std::runtime_error where a node has no memory for it (which, how much) or a thousand
  /// arrays are shared already: the pool stays usable. Throws TimeoutError where a limit passes or a worker
  /// is lost. How long it lives: see Shared.
  template <typename T>
  auto share(const T& value) {
    const auto elements = detail::elements_to_share(value);
    return Shared<typename detail::SharedElement<T>::type>(share_bytes(std::as_bytes(elements)),
                                                           elements.size());
  }

  /// All results, in the order of the tasks; nothing for tasks that return nothing. Throws TaskError, or the
  /// task's own exception where its type is known by PARRUN_ERROR, for the first task found not to have
  /// succeeded (Errors::keep: at the end, for the first in order); TimeoutError when a limit is reached.
  template <typename Tasks>
  auto map(Tasks&& tasks, const CallOptions& options = {}) {
    if constexpr (detail::TasksGiven<Tasks>::kFit) {
      return all_values(
          Results<detail::ResultOfRange<Tasks>>(start(detail::feed_from(std::forward<Tasks>(tasks)), options,
                                                      {.fail_fast = options.errors == Errors::fail_fast})));
    }
  }

  /// Results in the order of the tasks, each as soon as it and all before it are there. The range must not
  /// outlive the pool, unless it was gone through to its end.
  template <typename Tasks>
  auto ordered(Tasks&& tasks, const CallOptions& options = {}) {
    if constexpr (detail::TasksGiven<Tasks>::kFit) {
      return Results<detail::ResultOfRange<Tasks>>(
          start(detail::feed_from(std::forward<Tasks>(tasks)), options,
                {.in_order = true, .fail_fast = options.errors == Errors::fail_fast}));
    }
  }

  /// Results in the order in which the tasks finish, also of those that did not succeed.
  template <typename Tasks>
  auto unordered(Tasks&& tasks, const CallOptions& options = {}) {
    if constexpr (detail::TasksGiven<Tasks>::kFit) {
      return Results<detail::ResultOfRange<Tasks>>(
          start(detail::feed_from(std::forward<Tasks>(tasks)), options, {}));
    }
  }

  /// Gives out one task, and returns. Its limits are its own (Task<R>::timeout(), retries()); with process
  /// isolation a task that reaches its limit is killed and its future throws TaskError, on a thread it ends
  /// all futures of the pool with TimeoutError.
  template <typename R>
  Future<R> submit(const Task<R>& task) {
    return Future<R>(submit_call(task.fields()));
  }
  /// The same for the call F(arguments...).
  template <auto F, typename... A>
  auto submit(A&&... arguments) {
    return submit(task<F>(std::forward<A>(arguments)...));
  }

  // What these are not given: the compiler says what they are.
  template <typename Given, typename... More>
  requires detail::NoTasks<Given, More...>
  void map(const Given& /*given*/, const More&... /*more*/) { detail::TasksGiven<Given>(); }
  template <typename Given, typename... More>
  requires detail::NoTasks<Given, More...>
  void ordered(const Given& /*given*/, const More&... /*more*/) { detail::TasksGiven<Given>(); }
  template <typename Given, typename... More>
  requires detail::NoTasks<Given, More...>
  void unordered(const Given& /*given*/, const More&... /*more*/) { detail::TasksGiven<Given>(); }
  template <typename Given, typename... A>
  requires(!detail::IsTask<Given>) void submit(const Given& /*given*/, const A&... /*arguments*/) {
    detail::TaskGiven<Given>();
  }

 private:
  struct Delivery {
    bool in_order = false;
    bool fail_fast = false;
  };
  std::unique_ptr<detail::CallRun> start(detail::Feed feed, const CallOptions& options, Delivery delivery);
  std::shared_ptr<detail::Submission> submit_call(const detail::CallFields& fields);
  detail::SharedCopy share_bytes(std::span<const std::byte> bytes);

  template <typename R>
  static bool keep_first_failure(Done<R>& done, std::optional<Done<R>>& failure) {
    if (done.succeeded()) return false;
    if (!failure || done.index() < failure->index()) failure.emplace(std::move(done));
    return true;
  }
  template <typename R>
  static auto all_values(Results<R> results) {
    if constexpr (std::is_void_v<R>) {
      std::optional<Done<R>> failure;
      for (Done<R>& done : results) keep_first_failure(done, failure);
      if (failure) failure->value();
    } else {
      return values_in_order(results);
    }
  }
  template <typename R>
  static std::vector<R> values_in_order(Results<R>& results) {
    std::vector<std::optional<R>> values;
    std::optional<Done<R>> failure;
    for (Done<R>& done : results) {
      if (keep_first_failure(done, failure)) continue;
      if (values.size() <= done.index()) values.resize(done.index() + 1);
      values[done.index()] = done.value();
    }
    if (failure) failure->value();
    std::vector<R> all;
    all.reserve(values.size());
    for (std::optional<R>& value : values) all.push_back(std::move(*value));
    return all;
  }

  std::unique_ptr<Impl> impl_;
};

/// A whole MPI program: starts MPI, calls `body` on rank 0 while the other ranks serve, and ends all of them.
/// To be called first thing in main() and returned from it. Returns 0, or, after one line on stderr, 1 where
/// `body` threw and 2 where the ranks are different programs. A TimeoutError that leaves `body`, and a task
/// that could not be ended, end the job with exit code 124, an error of MPI's with 3. A lone rank executes
/// its tasks itself. Throws std::logic_error where it was called before, also within `body`, or MPI was
/// finalised.
// NOLINTNEXTLINE(bugprone-exception-escape): it is not the program's
int main(int argc, char** argv, const std::function<void(Pool&)>& body, const PoolOptions& options = {});

}  // namespace parrun
