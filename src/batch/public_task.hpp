#pragma once
// What a program says of a task through the public headers, as the task that is executed.

#include <optional>

#include "batch/task_spec.hpp"
#include "parrun/task.hpp"

namespace parrun {

// What a caller gave; each throws InputError where it cannot be.

/// Above zero, and not so long that it cannot be added to a time.
Duration checked_limit(std::chrono::nanoseconds limit, const char* name);
/// Above zero.
std::uint64_t checked_size(std::uint64_t bytes, const char* name);
/// 0 or more, and a number.
double checked_cost(double cost);
/// 0 or more.
int checked_retries(int retries);

/// The same of one that may not be given.
inline std::optional<Duration> checked_limit(std::optional<std::chrono::nanoseconds> limit,
                                             const char* name) {
  return limit ? std::optional(checked_limit(*limit, name)) : std::nullopt;
}

/// CallFields' and CommandOptions' limits have the same names. Most are not given: those are not copied,
/// which would take longer than all the rest.
template <typename Options, typename Spec>
void set_limits(const Options& options, Spec& spec) {
  if (options.timeout) spec.timeout = checked_limit(*options.timeout, "task's timeout");
  if (options.retries) spec.retries = checked_retries(*options.retries);
  if (options.memory_limit)
    spec.resources.memory_bytes = checked_size(*options.memory_limit, "task's memory limit");
  if (options.cpu_limit) spec.resources.cpu = checked_limit(*options.cpu_limit, "task's CPU limit");
  if (options.cost) spec.cost = checked_cost(*options.cost);
  if (options.output_limit)
    spec.resources.output_bytes = checked_size(*options.output_limit, "task's output limit");
}

TaskSpec call_spec(detail::CallFields fields);
/// For append_call(). Its label is that of `fields`.
TaskHead call_head(const detail::CallFields& fields);

}  // namespace parrun
