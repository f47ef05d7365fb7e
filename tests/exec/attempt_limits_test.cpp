#include "exec/attempt_limits.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <vector>

#include "exec/process_tree.hpp"
#include "support/sanitizers.hpp"
#include "support/wait_until.hpp"

namespace {

using namespace std::chrono_literals;
using namespace parrun;
using parrun::test::wait_until;

constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20;

// An executor that runs `work` and then waits, with all its processes, for its end.
class Executing {
 public:
  explicit Executing(const std::function<void()>& work) : pid_(fork()) {
    if (pid_ != 0) return;
    setpgid(0, 0);
    work();
    for (;;) pause();
  }
  ~Executing() {
    kill(-pid_, SIGKILL);
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

void use(std::uint64_t bytes) {
  static std::vector<char> used;
  used.assign(bytes, 'x');
}

void spin() {
  volatile int turns = 0;
  for (;;) turns = turns + 1;
}

class AttemptLimitsTest : public ::testing::Test {
 protected:
  void limit(std::uint64_t memory_bytes, Duration cpu) {
    note.memory_bytes = memory_bytes;
    note.cpu = cpu.count();
    note.limited = true;
  }
  bool exceeds(const Executing& executing, ExceededLimit which) {
    const auto it_does = [&] {
      excess = limits.look(executing.pid(), Clock::now());
      return excess && excess->limit == which;
    };
    return wait_until(it_does, 10s);
  }
  bool stays_below(const Executing& executing, Duration span) {
    return !wait_until([&] { return limits.look(executing.pid(), Clock::now()).has_value(); }, span);
  }

  AttemptNote note;
  AttemptLimits limits{note};
  std::optional<AttemptLimits::Excess> excess;
};

TEST_F(AttemptLimitsTest, MemoryOfTheExecutorItselfCounts) {
  if (parrun::test::kSanitized) GTEST_SKIP() << "sanitizers take memory and threads of their own";
  limit(50 * kMegabyte, {});
  EXPECT_TRUE(exceeds(Executing([] { use(100 * kMegabyte); }), ExceededLimit::memory));
}

TEST_F(AttemptLimitsTest, MemorySpreadOverSeveralProcessesIsSummedUp) {
  if (parrun::test::kSanitized) GTEST_SKIP() << "sanitizers take memory and threads of their own";
  limit(100 * kMegabyte, {});
  const auto three_children = [] {
    for (int i = 0; i < 3; ++i) {
      if (fork() == 0) {
        use(50 * kMegabyte);
        for (;;) pause();
      }
    }
  };
  EXPECT_TRUE(exceeds(Executing(three_children), ExceededLimit::memory));
}

TEST_F(AttemptLimitsTest, PagesThatForksShareCountOnce) {
  if (parrun::test::kSanitized) GTEST_SKIP() << "sanitizers take memory and threads of their own";
  limit(150 * kMegabyte, {});
  const auto two_forks = [] {
    use(80 * kMegabyte);
    for (int i = 0; i < 2; ++i) {
      if (fork() == 0) {
        for (;;) pause();
      }
    }
  };
  EXPECT_TRUE(stays_below(Executing(two_forks), 500ms));
}

TEST_F(AttemptLimitsTest, WhatTheExecutorHadBeforeDoesNotCount) {
  if (parrun::test::kSanitized) GTEST_SKIP() << "sanitizers take memory and threads of their own";
  note.resident_kb = 200 << 10;
  limit(50 * kMegabyte, {});
  EXPECT_TRUE(stays_below(Executing([] { use(100 * kMegabyte); }), 300ms));
}

TEST_F(AttemptLimitsTest, CpuTimeOfChildrenCounts) {
  limit(0, 200ms);
  EXPECT_TRUE(exceeds(Executing([] {
                        if (fork() == 0) spin();
                      }),
                      ExceededLimit::cpu));
}

TEST_F(AttemptLimitsTest, OneThatWaitsUsesNoCpuTime) {
  limit(0, 100ms);
  EXPECT_TRUE(stays_below(Executing([] {}), 400ms));
}

TEST_F(AttemptLimitsTest, TheAttemptThatWasLookedAtIsTold) {
  note.task = 7;
  note.attempt = 2;
  limit(0, 1ms);
  ASSERT_TRUE(exceeds(Executing(spin), ExceededLimit::cpu));
  EXPECT_EQ(excess->attempt, (Assignment{TaskId(7), 2}));
}

TEST_F(AttemptLimitsTest, BetweenAttemptsNothingIsExceeded) {
  limit(1, 1ns);
  note.limited = false;
  EXPECT_TRUE(stays_below(Executing([] { use(10 * kMegabyte); }), 100ms));
}

TEST_F(AttemptLimitsTest, LooksAreApart) {
  const Executing executing([] {});
  const TimePoint now = Clock::now();
  limits.look(executing.pid(), now);
  EXPECT_GE(limits.until_next_look(now), AttemptLimits::kLookEvery);
  limit(1, {});
  EXPECT_FALSE(limits.look(executing.pid(), now + 1ms));
}

}  // namespace
