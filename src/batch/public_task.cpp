#include "batch/public_task.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/limit.hpp"
#include "parrun/errors.hpp"

namespace parrun {

Duration checked_limit(std::chrono::nanoseconds limit, const char* name) {
  if (limit > std::chrono::nanoseconds::zero() && limit < kLongestLimit) return limit;
  throw InputError(fmt::format("the {} must be above zero and below 100 years; leave it out for none", name));
}

std::uint64_t checked_size(std::uint64_t bytes, const char* name) {
  if (bytes > 0) return bytes;
  throw InputError(fmt::format("the {} must be above zero; leave it out for none", name));
}

int checked_retries(int retries) {
  if (retries >= 0) return retries;
  throw InputError(fmt::format("a task's retries are {}; give 0 or more, or none", retries));
}

double checked_cost(double cost) {
  if (cost >= 0 && std::isfinite(cost)) return cost;
  throw InputError(fmt::format("a task's cost is {}; give 0 or more, or none", cost));
}

TaskSpec call_spec(detail::CallFields fields) {
  TaskSpec spec;
  set_limits(fields, spec);
  spec.work = Call{std::move(fields.function), std::move(fields.arguments)};
  spec.label = std::move(fields.label);
  return spec;
}

TaskHead call_head(const detail::CallFields& fields) {
  TaskHead head;
  set_limits(fields, head);
  head.label = fields.label;
  return head;
}

}  // namespace parrun
