#pragma once
#include <chrono>
#include <cstddef>
#include <optional>

namespace parrun {

/// Of Pool::map() and ordered() where a task does not succeed. unordered() gives each result as it is.
enum class Errors {
  fail_fast,  ///< no further task is started, and the first failure that is found is thrown, as soon as what
              ///< was there before has been taken
  keep        ///< all tasks run; map() throws at its end, ordered() gives each result as it is
};

/// Where a task reaches its limit.
enum class OnTimeout {
  abort,  ///< the call ends with TimeoutError
  kill    ///< the task has timed out, and the call goes on; without process isolation: std::logic_error
};

/// Of tasks that run when a call is left before its end: a loop left early, a failure, a destroyed range.
enum class OnLeave {
  kill,  ///< they are ended; on threads they cannot be, and the pool cannot be used again
  wait   ///< they come to their end, within the call's limits
};

/// One call of a pool. None: no such limit. One that is not above zero, or not below 100 years, is refused
/// with InputError; so are retries below 0.
struct CallOptions {
  std::optional<std::chrono::nanoseconds> timeout = {};  ///< of each task, from the start of its execution
  /// Of the call, from its start to its last result: the caller's own time between two results counts too.
  std::optional<std::chrono::nanoseconds> deadline = {};
  std::optional<std::chrono::nanoseconds> stall = {};  ///< without any task ending; not while none runs
  int retries = 0;                                     ///< further attempts of a task that did not succeed
  Errors errors = Errors::fail_fast;
  OnTimeout on_timeout = OnTimeout::abort;
  OnLeave on_leave = OnLeave::kill;
  /// Tasks taken from the caller's range ahead of the results that the caller has taken. None: as many as
  /// keep the workers busy, and as many again. At least 1.
  std::optional<std::size_t> pre_dispatch = {};
  /// Results that the caller has not taken: with more, or with 64 MiB of them, no new task is given out.
  std::size_t max_undelivered = 1000;
};

}  // namespace parrun
