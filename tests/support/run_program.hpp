#pragma once
// The command as its user sees it, in this process.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "cli/program.hpp"

namespace parrun::test {

struct Ran {
  int code;
  std::string out;
  std::string err;
};

inline Ran run(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv{"parrun"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const int code = run_program(static_cast<int>(argv.size()), argv.data());
  std::cout.flush();  // which may be apart from stdout: see sync_with_stdio()
  std::string out = ::testing::internal::GetCapturedStdout();
  return {code, std::move(out), ::testing::internal::GetCapturedStderr()};
}

/// What the command prints where all is well.
inline std::string output_of(const std::vector<std::string>& arguments) {
  Ran ran = run(arguments);
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.err, "");
  return std::move(ran.out);
}

/// One line on stderr that begins with the program's name and holds `text`; nothing on stdout.
inline void expect_refused(const std::vector<std::string>& arguments, const std::string& text) {
  const Ran ran = run(arguments);
  EXPECT_EQ(ran.code, 2) << text;
  EXPECT_EQ(ran.out, "") << text;
  EXPECT_TRUE(ran.err.starts_with("parrun: ")) << ran.err;
  EXPECT_EQ(ran.err.find('\n'), ran.err.size() - 1) << ran.err;
  EXPECT_NE(ran.err.find(text), std::string::npos) << ran.err << "\nwithout: " << text;
}

/// Where stdout is full, the command's output is lost: that is no success.
inline void expect_full_stdout_refused(const std::vector<std::string>& arguments) {
  const int saved = dup(STDOUT_FILENO);
  ASSERT_NE(freopen("/dev/full", "w", stdout), nullptr);
  std::vector<const char*> argv{"parrun"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  ::testing::internal::CaptureStderr();
  const int code = run_program(static_cast<int>(argv.size()), argv.data());
  const std::string err = ::testing::internal::GetCapturedStderr();
  clearerr(stdout);
  std::cout.clear();
  dup2(saved, STDOUT_FILENO);
  close(saved);
  EXPECT_EQ(code, 2) << arguments.front();
  EXPECT_EQ(err, "parrun: cannot write to stdout: No space left on device; make room there\n");
}

}  // namespace parrun::test
