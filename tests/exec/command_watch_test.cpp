#include "exec/command_watch.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "base/clock.hpp"

namespace {

using namespace parrun;
using namespace std::chrono_literals;

// While it lives no descriptor can be had, nor a pidfd: as where the kernel has no pidfd_open.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    const Descriptor next(dup(STDIN_FILENO));
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{static_cast<rlim_t>(next.get()), before_.rlim_max};
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;
  ~NoMoreDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

// A shell's line with its stdout in a pipe.
class CommandWatchTest : public ::testing::Test {
 protected:
  void start(const char* line) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    read_end.reset(ends[0]);
    const Descriptor write_end(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    child = fork();
    if (child == 0) {
      setpgid(0, 0);
      dup2(write_end.get(), STDOUT_FILENO);
      execl("/bin/sh", "sh", "-c", line, nullptr);
      _exit(127);
    }
    setpgid(child, child);
    begin = Clock::now();
  }
  int status_at_end() {
    std::array<Copy, 2> streams{Copy(std::move(read_end), -1, 0), Copy(Descriptor(), -1, 0)};
    rusage usage{};
    const int status = copy_until_end(child, streams, usage);
    kill(-child, SIGKILL);
    return status;
  }

  Descriptor read_end;
  pid_t child = -1;
  TimePoint begin;
};

// Without end, for this test; but a test that fails ends too.
constexpr const char* kWritesAndEnds = "timeout --foreground 10 yes & sleep 0.1; exit 3";
constexpr const char* kWritesAndStops = "timeout --foreground 10 yes & kill -STOP $$";

TEST_F(CommandWatchTest, TheEndIsSeenThoughADescendantNeverStopsWriting) {
  start(kWritesAndEnds);
  EXPECT_EQ(WEXITSTATUS(status_at_end()), 3);
  EXPECT_LT(Clock::now(), begin + 5s);
}

TEST_F(CommandWatchTest, TheEndIsSeenThoughADescendantNeverStopsWritingAndThereIsNoPidfd) {
  start(kWritesAndEnds);
  const NoMoreDescriptors none;
  EXPECT_EQ(WEXITSTATUS(status_at_end()), 3);
  EXPECT_LT(Clock::now(), begin + 5s);
}

TEST_F(CommandWatchTest, AStopIsSeenThoughADescendantNeverStopsWriting) {
  start(kWritesAndStops);
  EXPECT_TRUE(WIFSTOPPED(status_at_end()));
  EXPECT_LT(Clock::now(), begin + 5s);
}

}  // namespace
