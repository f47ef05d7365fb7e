#pragma once
#include <fmt/format.h>

#include <cstdio>
#include <utility>

namespace parrun {

/// fmt::print would throw where stderr is full or closed, and end a program that has just said why it ends.
template <typename... Args>
void print_to_stderr(fmt::format_string<Args...> format, Args&&... args) {
  std::fputs(fmt::format(format, std::forward<Args>(args)...).c_str(), stderr);
}

}  // namespace parrun
