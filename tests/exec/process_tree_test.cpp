#include "exec/process_tree.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <functional>
#include <thread>
#include <vector>

#include "base/process_stat.hpp"
#include "support/sanitizers.hpp"
#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"

namespace {

using namespace parrun;
using namespace std::chrono_literals;
using parrun::test::TempDir;
using parrun::test::wait_until;

constexpr Duration kLimit = 20s;

// A process of its own, for adopting changes the whole process. Returns whether `check` held there.
bool holds_in_child(const std::function<bool()>& check) {
  const pid_t child = fork();
  if (child == 0) {
    adopt_orphans();
    _exit(check() ? 0 : 1);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

pid_t start(const std::string& line) {
  const pid_t child = fork();
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
    _exit(127);
  }
  return child;
}

void ignore(const Reaped& /*reaped*/) {}

bool nobody_is_left() { return waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }

TEST(ProcessTree, WithoutDescendantsThereIsNothingToDo) {
  EXPECT_TRUE(holds_in_child([] { return end_descendants(kLimit, ignore); }));
}

TEST(ProcessTree, DescendantsInOtherSessionsThatIgnoreSignalsAreEnded) {
  const TempDir dir;
  const std::string file = dir.file("pid");
  EXPECT_TRUE(holds_in_child([&] {
    start("trap '' TERM HUP INT; setsid sh -c 'trap \"\" TERM; setsid sleep 1000 & echo $! > " + file +
          ".tmp; mv " + file + ".tmp " + file + "; wait' & wait");
    pid_t grandchild = 0;
    if (!wait_until([&] { return static_cast<bool>(std::ifstream(file) >> grandchild); }, kLimit))
      return false;
    return end_descendants(kLimit, ignore) && nobody_is_left() && kill(grandchild, 0) != 0;
  }));
}

TEST(ProcessTree, OrphansAreEndedToo) {
  const TempDir dir;
  const std::string file = dir.file("pid");
  EXPECT_TRUE(holds_in_child([&] {
    waitpid(start("setsid sleep 1000 & echo $! > " + file), nullptr, 0);
    pid_t orphan = 0;
    std::ifstream(file) >> orphan;
    return orphan > 0 && end_descendants(kLimit, ignore) && nobody_is_left() && kill(orphan, 0) != 0;
  }));
}

// As one that clone(2) made with another signal for its end, or none.
TEST(ProcessTree, ChildrenThatEndWithoutASignalAreEndedToo) {
  if (parrun::test::kSanitized) GTEST_SKIP() << "sanitizers know of fork() alone";
  EXPECT_TRUE(holds_in_child([] {
    const auto child = static_cast<pid_t>(syscall(SYS_clone, 0, nullptr, nullptr, nullptr, 0));
    if (child == 0) {
      for (;;) pause();
    }
    return child > 0 && end_descendants(kLimit, ignore) && kill(child, 0) != 0;
  }));
}

TEST(ProcessTree, EachChildIsReportedOnceWithItsStatus) {
  EXPECT_TRUE(holds_in_child([] {
    const pid_t ended = start("exit 7");
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(ended), &info, WEXITED | WNOWAIT);
    const pid_t running = start("exec sleep 1000");
    std::vector<std::pair<pid_t, int>> reaped;
    end_descendants(kLimit, [&](const Reaped& one) { reaped.emplace_back(one.pid, one.status); });
    return reaped.size() == 2 && reaped[0].first == ended && WEXITSTATUS(reaped[0].second) == 7 &&
           reaped[1].first == running && WTERMSIG(reaped[1].second) == SIGKILL;
  }));
}

// Each of many lives for a moment only, and leaves another one.
TEST(ProcessTree, DescendantsThatForkAndDieWithoutEndAreEnded) {
  EXPECT_TRUE(holds_in_child([] {
    for (int chain = 0; chain < 20; ++chain) {
      if (fork() != 0) continue;
      const TimePoint end = Clock::now() + 2 * kLimit;
      while (Clock::now() < end) {
        if (fork() != 0) _exit(0);
        usleep(300);
      }
      _exit(0);
    }
    return end_descendants(kLimit, ignore) && nobody_is_left();
  }));
}

TEST(ProcessTree, AChildWhoseNameLooksLikeOtherFieldsIsFound) {
  EXPECT_TRUE(holds_in_child([] {
    if (fork() == 0) {
      prctl(PR_SET_NAME, "a) S 1 (b");
      alarm(60);  // it must not outlive a failed test for long
      for (;;) pause();
    }
    return end_descendants(kLimit, ignore) && nobody_is_left();
  }));
}

TEST(ProcessTree, AProcessHasItsMemoryThoughItsFirstThreadHasEnded) {
  if (parrun::test::kSanitized) GTEST_SKIP() << "a fork's thread is none of theirs";
  constexpr std::size_t kMuch = std::size_t{64} << 20;
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(60);
    std::thread([] {
      const std::vector<char> much(kMuch, 'x');
      for (;;) pause();
    }).detach();
    syscall(SYS_exit, 0);
  }
  const auto has_much = [&] {
    const auto tree = process_tree(child);
    return !tree.empty() && tree.front().resident_bytes > kMuch;
  };
  EXPECT_TRUE(wait_until([&] { return ProcessStat::of(child)->state() == 'Z' && has_much(); }, kLimit));
  EXPECT_GT(proportional_bytes(child), kMuch / 2);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

TEST(ProcessTree, AtItsLimitItGivesUpAndSaysSo) {
  EXPECT_TRUE(holds_in_child([] {
    start("exec sleep 1000");
    return !end_descendants(Duration::zero(), ignore) && end_descendants(kLimit, ignore);
  }));
}

}  // namespace
