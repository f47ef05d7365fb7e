#include "exec/capture.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
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

TEST(Capture, AWriterThatAppendsNoMoreIsNoneOfTheNextOnesConcern) {
  Capture capture;
  fcntl(capture.stdout_fd(), F_SETFL, 0);
  ASSERT_EQ(write(capture.stdout_fd(), "0123456789", 10), 10);
  EXPECT_EQ(capture.take({}).stdout_text, "0123456789");
  ASSERT_EQ(write(capture.stdout_fd(), "x", 1), 1);
  EXPECT_EQ(capture.take({}).stdout_text, "x");
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

TEST(Capture, WhatIsBeyondTheLimitIsCutAndALineSaysSo) {
  Capture capture;
  write_to(capture.stdout_fd(), "0123456789");
  write_to(capture.stderr_fd(), "01234");
  const auto [out, err] = capture.take(5);
  EXPECT_EQ(out, "01234\n[parrun: cut here, at the output limit of 5 bytes]\n");
  EXPECT_EQ(err, "01234");
  EXPECT_EQ(capture.take(5).stdout_text, "");
}

TEST(Capture, TrimmingGivesMemoryBackAndKeepsWhatIsWithinTheLimit) {
  constexpr std::uint64_t kLimit = 100'000;
  Capture capture;
  write_to(capture.stdout_fd(), std::string(std::size_t{8} << 20, 'x'));
  capture.trim(kLimit);
  struct stat status {};
  ASSERT_EQ(fstat(capture.stdout_fd(), &status), 0);
  EXPECT_LT(status.st_blocks * 512, 200'000);
  write_to(capture.stdout_fd(), "more");
  const Bytes out = capture.take(kLimit).stdout_text;
  EXPECT_TRUE(out.starts_with(std::string(kLimit, 'x') + "\n[parrun: cut here"));
}

TEST(Capture, TrimmingAShortOrAnEmptyTextChangesNothing) {
  Capture capture;
  capture.trim(3);
  EXPECT_EQ(capture.take(3).stdout_text, "");
  write_to(capture.stdout_fd(), "12345");
  capture.trim(3);
  EXPECT_EQ(capture.take().stdout_text, "12345");
}

TEST(Capture, MegabytesAreTakenWhole) {
  Capture capture;
  const std::string text(std::size_t{8} << 20, 'x');
  write_to(capture.stderr_fd(), text);
  EXPECT_TRUE(capture.take().stderr_text == text);
}

}  // namespace
