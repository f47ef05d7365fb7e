#pragma once
// Exceptions of tasks that come back as what they were: PARRUN_ERROR(MyError).

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeindex>
#include <utility>

#include "parrun/archive.hpp"
#include "parrun/errors.hpp"
#include "parrun/function.hpp"

namespace parrun::detail {

// A registered type of exceptions with its type erased: to bytes where it is caught, and thrown again from
// them.
struct ErrorType {
  std::type_index type;
  std::string (*to_bytes)();                                       ///< REQUIRES: one is being handled
  void (*rethrow)(std::string_view bytes, const TaskError& task);  ///< returns where it cannot be made again
};

void add_error_type(const ErrorType& type);

template <typename E>
concept SerializableError = std::is_default_constructible_v<E> && requires(E& error, OutArchive& archive) {
  error.serialize(archive, 0U);
};

template <typename E>
concept ErrorFromText =
    std::is_constructible_v<E, const std::string&> && std::is_base_of_v<std::exception, E>;

template <typename E>
std::string current_error_bytes() {
  try {
    throw;
  } catch (const E& error) {
    if constexpr (SerializableError<E>) {
      return detail::to_bytes(error);
    } else {
      return error.what();
    }
  }
}

template <typename E>
E error_from(std::string_view bytes) {
  if constexpr (SerializableError<E>) {
    return std::get<0>(from_bytes<E>(bytes));
  } else {
    return E(std::string(bytes));
  }
}

// What is thrown while it is made is its type's own affair, and not what the task threw.
template <typename E>
std::optional<E> error_if_possible(std::string_view bytes) {
  try {
    return error_from<E>(bytes);
  } catch (...) {
    return std::nullopt;
  }
}

template <typename E>
void rethrow_error(std::string_view bytes, const TaskError& task) {
  std::optional<E> error = error_if_possible<E>(bytes);
  if (!error) return;
  try {
    throw task;
  } catch (...) {
    std::throw_with_nested(std::move(*error));  // a final class is thrown without the task's error
  }
}

template <typename E>
struct RegisteredError {
  static_assert(SerializableError<E> || ErrorFromText<E>,
                "give the exception a serialize() member and a default constructor, or derive it from "
                "std::exception with a constructor from std::string");
  RegisteredError() { add_error_type({typeid(E), current_error_bytes<E>, rethrow_error<E>}); }
};

}  // namespace parrun::detail

/// Makes a type of exceptions that tasks throw one that their caller can catch: Done<R>::value() and its like
/// throw it in place of TaskError. At namespace scope of a source file of the program. The type has a
/// serialize() member and a default constructor, or derives from std::exception and is made again from
/// what(). Known by its exact type: one that derives from a registered one is registered itself, or comes as
/// TaskError; and so does one that cannot be made again, for its serialize() throws.
#define PARRUN_ERROR(...)                                                                          \
  [[maybe_unused]] static const ::parrun::detail::RegisteredError<__VA_ARGS__> PARRUN_DETAIL_JOIN( \
      parrun_error_, __COUNTER__)
