#include "exec/error_types.hpp"

#include <cxxabi.h>

#include <map>

#include "exec/registry.hpp"
#include "parrun/done.hpp"

namespace parrun {
namespace {

// PARRUN_ERROR runs before main, so this one table is a global; it only grows. By the type's name in source,
// which is what outcomes carry.
std::map<std::string, detail::ErrorType, std::less<>>& error_types() {
  static std::map<std::string, detail::ErrorType, std::less<>> instance;
  return instance;
}

}  // namespace

void detail::add_error_type(const ErrorType& type) {
  error_types().emplace(demangled(type.type.name()), type);
}

std::string current_error_bytes() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type == nullptr) return {};
  const auto registered = error_types().find(demangled(type->name()));
  if (registered == error_types().end()) return {};
  try {
    return registered->second.to_bytes();
  } catch (...) {  // the type's own serialize(): its text is told all the same
    return {};
  }
}

void detail::throw_task_error(const Outcome& outcome) {
  const TaskError error(outcome);
  const auto registered = error_types().find(outcome.error_type);
  if (registered != error_types().end()) registered->second.rethrow(outcome.error_value, error);
  throw error;  // its bytes are no such exception, or there are none: it could not be archived
}

TaskError::TaskError(const Outcome& outcome)
    : std::runtime_error("task " + std::to_string(outcome.task.get()) + " on rank " +
                         std::to_string(outcome.rank.get()) + " (" + outcome.host + "): " + outcome.error),
      task_(outcome.task.get()),
      attempt_(outcome.attempt),
      state_(outcome.state),
      rank_(outcome.rank.get()),
      host_(outcome.host),
      type_(outcome.error_type) {}

}  // namespace parrun
