// What becomes of a launcher that does not end when its rank is no more.

#include "base/launcher.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "exec/executor_body.hpp"
#include "exec/process_tree.hpp"
#include "exec/zygote_process.hpp"
#include "support/wait_until.hpp"

namespace parrun::test {
namespace {

// A process that stands for mpirun, and a rank of it.
class HangingLauncher : public ::testing::Test {
 protected:
  HangingLauncher() : launcher(fork()) {
    if (launcher == 0) {
      pause();
      _exit(0);
    }
  }
  ~HangingLauncher() override {
    ::kill(launcher, SIGKILL);
    waitpid(launcher, nullptr, 0);
  }

  /// A rank that has executors, and ends as `end` does.
  template <typename End>
  void rank(End end, std::optional<TimePoint> deadline = {}) const {
    const pid_t pid = fork();
    if (pid == 0) {
      {
        Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, launcher, 0)));
        const ProcessBody executors({}, Mpirun(std::move(process), 100ms, deadline));
        end();
      }
      _exit(0);
    }
    waitpid(pid, nullptr, 0);
  }
  bool is_killed_within(std::chrono::nanoseconds bound) const {
    siginfo_t info{};
    const auto ended = [&] {
      return waitid(P_PID, static_cast<id_t>(launcher), &info, WEXITED | WNOWAIT | WNOHANG) == 0 &&
             info.si_pid == launcher;
    };
    return wait_until(ended, bound);
  }

  const pid_t launcher;
};

TEST_F(HangingLauncher, IsKilledBehindARankThatDied) {
  rank([] { _exit(1); });
  EXPECT_TRUE(is_killed_within(10s));
}

TEST_F(HangingLauncher, IsKilledBehindARankThatWasKilled) {
  rank([] { ::raise(SIGKILL); });
  EXPECT_TRUE(is_killed_within(10s));
}

TEST_F(HangingLauncher, IsLeftAloneByARankThatEndsAsItShould) {
  rank([] {});
  EXPECT_FALSE(is_killed_within(1s));
}

// It may have output that nobody takes.
TEST_F(HangingLauncher, IsKilledBehindTheDeadlineOfARankThatEndsAsItShould) {
  const TimePoint deadline = Clock::now() + 500ms;
  rank([] {}, deadline);
  EXPECT_LT(Clock::now(), deadline) << "the rank does not wait for that";
  EXPECT_TRUE(is_killed_within(10s));
  EXPECT_GE(Clock::now(), deadline);
}

// One that has thrown does all the same what is left to do, and its rank is told at once.
TEST_F(HangingLauncher, IsKilledBehindARankWhoseZygoteGaveUp) {
  std::array<int, 2> sockets{};
  std::array<int, 2> held{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets.data()), 0);
  ASSERT_EQ(pipe(held.data()), 0);
  const pid_t zygote = fork();
  if (zygote == 0) {
    close(sockets[0]);
    adopt_orphans();
    AttemptNote note;
    const Scratch none;
    const Mpirun mpirun(Descriptor(static_cast<int>(syscall(SYS_pidfd_open, launcher, 0))), 100ms);
    const auto never_end = [] {
      if (fork() == 0) setsid();
      for (;;) pause();
    };
    const Zygote::Plan plan{.executor = never_end,
                            .descriptors = {},
                            .keep_children = false,
                            .scratch = &none,
                            .note = &note,
                            .mpirun = &mpirun};
    ZygoteProcess process(sockets[1], plan);
    process.serve();
    process.give_up();
    _exit(0);
  }
  close(sockets[1]);
  close(held[1]);
  const Descriptor ours(sockets[0]);
  const Descriptor all_ended(held[0]);
  const auto spawn = ZygoteRequest::spawn;
  ASSERT_EQ(send(ours.get(), &spawn, 1, 0), 1);
  shutdown(ours.get(), SHUT_WR);
  char nothing = 0;
  EXPECT_EQ(recv(ours.get(), &nothing, 1, 0), 0);
  EXPECT_TRUE(is_killed_within(10s));
  waitpid(zygote, nullptr, 0);
  EXPECT_EQ(read(all_ended.get(), &nothing, 1), 0) << "else this waits";
}

TEST(Zygote, IsWaitedForByItsRank) {
  { const ProcessBody executors; }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Mpirun, OfAProcessThatItHasNotStartedIsNone) { EXPECT_EQ(Mpirun::of_rank_0().descriptor(), -1); }

}  // namespace
}  // namespace parrun::test
