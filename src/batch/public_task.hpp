#pragma once
// What a program says of a task through the public headers, as the task that is executed.

#include <optional>

#include "batch/task_spec.hpp"
#include "parrun/task.hpp"

namespace parrun {

// What a caller gave, if anything; each throws InputError where it cannot be.
void require_limit(std::chrono::nanoseconds limit, const char* name);
void require_size(std::uint64_t bytes, const char* name);
void require_cost(double cost);
void require_retries(int retries);

/// Above zero, and not so long that it cannot be added to a time.
inline std::optional<Duration> checked_limit(std::optional<std::chrono::nanoseconds> limit,
                                             const char* name) {
  if (limit) require_limit(*limit, name);
  return limit;
}
/// Above zero.
inline std::optional<std::uint64_t> checked_size(std::optional<std::uint64_t> bytes, const char* name) {
  if (bytes) require_size(*bytes, name);
  return bytes;
}
/// 0 or more, and a number.
inline std::optional<double> checked_cost(std::optional<double> cost) {
  if (cost) require_cost(*cost);
  return cost;
}
/// 0 or more.
inline std::optional<int> checked_retries(std::optional<int> retries) {
  if (retries) require_retries(*retries);
  return retries;
}

/// CallFields' and CommandOptions' limits have the same names.
template <typename Options, typename Spec>
void set_limits(const Options& options, Spec& spec) {
  spec.timeout = checked_limit(options.timeout, "task's timeout");
  spec.retries = checked_retries(options.retries);
  spec.resources.memory_bytes = checked_size(options.memory_limit, "task's memory limit");
  spec.resources.cpu = checked_limit(options.cpu_limit, "task's CPU limit");
  spec.cost = checked_cost(options.cost);
  spec.resources.output_bytes = checked_size(options.output_limit, "task's output limit");
}

TaskSpec call_spec(detail::CallFields fields);
/// For append_call(). Its label is that of `fields`.
TaskHead call_head(const detail::CallFields& fields);

}  // namespace parrun
