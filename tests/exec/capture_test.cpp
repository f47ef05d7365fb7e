#include "exec/capture.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace {

using namespace parrun;

void write_to(int fd, const std::string& text) {
  ASSERT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

TEST(Capture, BothStreamsAreKeptApart) {
  Capture capture;
  write_to(capture.stdout_fd(), std::string("o\0ut", 4));
  write_to(capture.stderr_fd(), "err");
  const auto [out, err] = capture.take();
  EXPECT_EQ(out, std::string("o\0ut", 4));
  EXPECT_EQ(err, "err");
}

TEST(Capture, WhatWasTakenIsForgotten) {
  Capture capture;
  write_to(capture.stdout_fd(), "first");
  EXPECT_EQ(capture.take().stdout_text, "first");
  EXPECT_EQ(capture.take().stdout_text, "");
  write_to(capture.stdout_fd(), "2nd");
  EXPECT_EQ(capture.take().stdout_text, "2nd");
}

TEST(Capture, AWriterThatSeeksOrTruncatesLeavesNoHoles) {
  Capture capture;
  write_to(capture.stdout_fd(), "long before");
  ASSERT_EQ(ftruncate(capture.stdout_fd(), 0), 0);
  lseek(capture.stdout_fd(), 1000, SEEK_SET);
  write_to(capture.stdout_fd(), "after");
  EXPECT_EQ(capture.take().stdout_text, "after");
}

TEST(Capture, WhatADeadProcessWroteIsThere) {
  Capture capture;
  const pid_t child = fork();
  if (child == 0) {
    capture.redirect_here();
    [[maybe_unused]] const auto out = write(STDOUT_FILENO, "out", 3);
    [[maybe_unused]] const auto err = write(STDERR_FILENO, "err", 3);
    kill(getpid(), SIGKILL);
  }
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  const auto [out, err] = capture.take();
  EXPECT_EQ(out, "out");
  EXPECT_EQ(err, "err");
}

TEST(Capture, MegabytesAreTakenWhole) {
  Capture capture;
  const std::string text(std::size_t{8} << 20, 'x');
  write_to(capture.stderr_fd(), text);
  EXPECT_TRUE(capture.take().stderr_text == text);
}

}  // namespace
