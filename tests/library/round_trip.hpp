#pragma once
// A task goes the way it goes between ranks: its archived arguments into the registered function, and the
// value back out of its archived result.

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "exec/registry.hpp"
#include "parrun/task.hpp"

namespace parrun::test {

inline const Function& registered(std::string_view name) {
  const Function* function = find_function(name);
  if (function == nullptr) throw std::runtime_error("not registered: " + std::string(name));
  return *function;
}

// What a worker and then the caller do with a task.
template <typename R>
R run(const Task<R>& task) {
  const std::string value = registered(task.fields().function).call(task.fields().arguments);
  if constexpr (!std::is_void_v<R>) return std::move(std::get<0>(detail::from_bytes<R>(value)));
}

// Likewise with a task of JSON lines.
inline std::string run_json(std::string_view name, std::string_view arguments) {
  const Function& function = registered(name);
  return function.value_to_json(function.call(function.arguments_from_json(name, arguments)));
}

// To be registered for the types in question: its argument by reference, its result by value.
template <typename T>
T same(const T& value) {
  return value;
}

template <typename T>
void expect_same(const T& value) {
  EXPECT_EQ(run(task<same<T>>(value)), value);
}

}  // namespace parrun::test
