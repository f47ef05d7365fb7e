#pragma once
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

#include "parrun/archive.hpp"
#include "parrun/errors.hpp"
#include "parrun/outcome.hpp"

namespace parrun {
namespace detail {

/// Throws the exception of a task that did not succeed: its own where its type was registered, or TaskError.
[[noreturn]] void throw_task_error(const Outcome& outcome);

/// What a task returned, or throws why it returned nothing.
template <typename R>
R value_of(const Outcome& outcome) {
  if (!outcome.succeeded()) throw_task_error(outcome);
  if constexpr (!std::is_void_v<R>) return std::move(std::get<0>(from_bytes<R>(outcome.value)));
}

}  // namespace detail

template <typename R>
class Results;

/// How a task of type R ended. A value of its own: outlives the range it came from.
template <typename R>
class Done {
 public:
  explicit Done(Outcome outcome) : outcome_(std::move(outcome)) {}

  /// The task's position in the range it came from, from 0.
  std::uint64_t index() const { return outcome_.task.get(); }
  bool succeeded() const { return outcome_.succeeded(); }
  /// What it returned, made anew by each call. Throws TaskError, or the task's own exception where its type
  /// is known by PARRUN_ERROR.
  R value() const { return detail::value_of<R>(outcome_); }
  /// All that is known of it: rank, host, times, output, error.
  const Outcome& outcome() const { return outcome_; }

 private:
  friend class Results<R>;

  Outcome outcome_;
};

}  // namespace parrun
