// What becomes of a launcher that does not end when its rank is no more.

#include "base/launcher.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/executor_body.hpp"
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
  void rank(End end) const {
    const pid_t pid = fork();
    if (pid == 0) {
      {
        Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, launcher, 0)));
        const ProcessBody executors({}, Mpirun(std::move(process), 100ms));
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

TEST(Mpirun, OfAProcessThatItHasNotStartedIsNone) { EXPECT_EQ(Mpirun::of_rank_0().descriptor(), -1); }

}  // namespace
}  // namespace parrun::test
