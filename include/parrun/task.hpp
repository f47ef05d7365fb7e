#pragma once
// Tasks as values: what a program gives to a Pool or writes into a batch file.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "parrun/function.hpp"

namespace parrun {
namespace detail {

struct CallFields {
  std::string function;
  std::string arguments;  ///< archived
  std::string label = {};
  std::optional<std::chrono::nanoseconds> timeout = {};
  std::optional<int> retries = {};
  std::optional<std::uint64_t> memory_limit = {};  ///< [bytes]
  std::optional<std::chrono::nanoseconds> cpu_limit = {};
  std::optional<std::uint64_t> output_limit = {};  ///< [bytes]
};

}  // namespace detail

/// A call of a registered function whose result is an R, not yet made. A value: copy it, keep it, give it
/// twice.
template <typename R>
class Task {
 public:
  explicit Task(detail::CallFields fields) : fields_(std::move(fields)) {}

  /// A name for messages and results.
  Task& label(std::string text) {
    fields_.label = std::move(text);
    return *this;
  }
  /// A limit [s] of its own, in place of the run's; counts from when it starts executing. REQUIRES: above
  /// zero.
  Task& timeout(std::chrono::nanoseconds limit) {
    fields_.timeout = limit;
    return *this;
  }
  /// Further attempts where it does not succeed, in place of the run's. REQUIRES: 0 or above.
  Task& retries(int attempts) {
    fields_.retries = attempts;
    return *this;
  }
  /// Resident memory [bytes] of all its processes; above it the task fails. With process isolation only.
  /// REQUIRES: above zero.
  Task& memory_limit(std::uint64_t bytes) {
    fields_.memory_limit = bytes;
    return *this;
  }
  /// User and system time of all its processes, likewise.
  Task& cpu_limit(std::chrono::nanoseconds limit) {
    fields_.cpu_limit = limit;
    return *this;
  }
  /// What is kept of each of its stdout and stderr [bytes], likewise; the rest is cut, and marked.
  Task& output_limit(std::uint64_t bytes) {
    fields_.output_limit = bytes;
    return *this;
  }
  const detail::CallFields& fields() const { return fields_; }

 private:
  detail::CallFields fields_;
};

/// The call F(arguments...) as a task. Throws std::logic_error where F was not registered with PARRUN_TASK.
template <auto F, typename... A>
auto task(A&&... arguments) {
  using S = detail::Signature<decltype(F)>;
  using Unpacked = typename S::Arguments;
  static_assert(std::is_constructible_v<Unpacked, A&&...>,
                "these arguments do not fit the task function's parameters");
  return Task<std::decay_t<typename S::Result>>(
      {detail::function_name(typeid(detail::Key<F>)),
       std::apply(detail::Arguments<Unpacked>::pack, Unpacked(std::forward<A>(arguments)...))});
}

/// The call functor(arguments...) as a task; the functor's state travels with it.
template <typename Functor, typename... A>
requires std::is_class_v<Functor>
auto task(Functor functor, A&&... arguments) {
  using S = detail::Signature<decltype(&Functor::operator())>;
  using Unpacked = typename S::Arguments;
  const Unpacked unpacked(std::forward<A>(arguments)...);
  return Task<std::decay_t<typename S::Result>>(
      {detail::function_name(typeid(Functor)),
       std::apply([&](const auto&... value) { return detail::to_bytes(functor, value...); }, unpacked)});
}

}  // namespace parrun
