#pragma once
// Tasks as values: what a program gives to a Pool or writes into a batch file.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "parrun/function.hpp"
#include "parrun/kept.hpp"

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
  std::optional<double> cost = {};                 ///< expected [s, or any other unit]
  Kept kept = {};                                  ///< shared values that the arguments refer to
};

}  // namespace detail

/// A call of a registered function whose result is an R, not yet made. A value: copy it, keep it, give it
/// twice. Holds the function's name and the archived arguments.
template <typename R>
class Task {
 public:
  Task(const std::string& function, std::string arguments, detail::KeptByArguments& kept)
      : fields_{.function = function, .arguments = std::move(arguments)} {
    if (kept.any()) [[unlikely]]
      fields_.kept = kept.take();
  }

  /// A name for messages and results of `parrun`: in a batch file. A pool tells tasks by their index.
  Task& label(std::string text) {
    fields_.label = std::move(text);
    return *this;
  }
  /// A limit of its own, in place of the run's; counts from when it starts executing. REQUIRES: above
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
  /// What it is expected to take [s, or any other unit that the batch's tasks share]: in a batch file, for
  /// `parrun --order-by longest-first`. REQUIRES: 0 or above.
  Task& cost(double expected) {
    fields_.cost = expected;
    return *this;
  }
  const detail::CallFields& fields() const& { return fields_; }
  detail::CallFields fields() && { return std::move(fields_); }

 private:
  detail::CallFields fields_;
};

namespace detail {

// Arguments of the types A for parameters of the types P, each converted as a call would.
template <typename Parameters, typename... A>
struct Given;
template <typename... P, typename... A>
requires(sizeof...(P) != sizeof...(A)) struct Given<std::tuple<P...>, A...> {
  static constexpr bool kFit = false;
  static_assert(
      sizeof...(P) == sizeof...(A),
      "a task is given all of its function's arguments: one for each parameter, those with a default too");
};
template <typename... P, typename... A>
requires(sizeof...(P) == sizeof...(A)) struct Given<std::tuple<P...>, A...> {
  static constexpr bool kFit = (std::is_convertible_v<A, const P&> && ...);
  static_assert(
      kFit,
      "an argument does not convert to its parameter of the task function: give one that a plain call would "
      "take");
  static std::string pack(A&&... arguments) {
    return to_bytes(static_cast<const P&>(std::forward<A>(arguments))...);
  }
};

}  // namespace detail

/// The call F(arguments...) as a task. The arguments are converted as in the call itself and only read: one
/// that can only be moved stays with the caller. Throws std::logic_error where F was not registered with
/// PARRUN_TASK, and what an argument's serialize() throws. Any thread.
template <auto F, typename... A>
auto task(A&&... arguments) {
  using Callable = std::remove_cv_t<decltype(F)>;
  using S = detail::Signature<Callable>;
  using Given = detail::Given<typename S::Arguments, A&&...>;
  using T = Task<typename S::Result>;
  detail::KeptByArguments kept;
  if constexpr (detail::kFit<Callable> && Given::kFit) {
    static const std::string& name = detail::function_name(typeid(detail::Key<F>), detail::spelled<F>());
    return T(name, Given::pack(std::forward<A>(arguments)...), kept);
  } else {
    return T({}, {}, kept);
  }
}

/// The call functor(arguments...) as a task, likewise; the functor's state travels with it.
template <typename Functor, typename... A>
requires std::is_class_v<Functor>
auto task(const Functor& functor, A&&... arguments) {
  using S = detail::Signature<Functor>;
  using Given = detail::Given<detail::WithState<Functor>, const Functor&, A&&...>;
  using T = Task<typename S::Result>;
  detail::KeptByArguments kept;
  if constexpr (detail::kFitObject<Functor> && Given::kFit) {
    static const std::string& name = detail::function_name(typeid(Functor), detail::spelled<Functor>());
    return T(name, Given::pack(functor, std::forward<A>(arguments)...), kept);
  } else {
    return T({}, {}, kept);
  }
}

}  // namespace parrun
