#include "exec/syscall_watch.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "support/sanitizers.hpp"

namespace {

using parrun::SyscallWatch;

class SyscallWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    watch.begin();
    watch.end();
    if (watch.touched()) GTEST_SKIP() << "this kernel does not tell of system calls";
  }
  template <typename Function>
  bool touches(Function function) {
    watch.begin();
    function();
    watch.end();
    return watch.touched();
  }
  SyscallWatch watch;
};

// How a child that runs `function` ends.
template <typename Function>
int status_of_child(Function function) {
  const pid_t child = fork();
  if (child == 0) {
    SyscallWatch watch;
    watch.begin();
    function();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST_F(SyscallWatchTest, WhoOnlyComputesTouchesNothing) {
  double sum = 0;
  EXPECT_FALSE(touches([&] {
    for (int i = 1; i < 1000; ++i) sum += 1.0 / i;
  }));
  EXPECT_GT(sum, 7);
}

TEST_F(SyscallWatchTest, ASystemCallIsSeenAndMade) {
  const mode_t before = umask(0);
  EXPECT_TRUE(touches([] { umask(027); }));
  EXPECT_EQ(umask(before), 027U);
}

TEST_F(SyscallWatchTest, WhatComesBackFromItIsAsItWouldBe) {
  int result = 0;
  int error = 0;
  EXPECT_TRUE(touches([&] {
    result = close(-1);
    error = errno;
  }));
  EXPECT_EQ(result, -1);
  EXPECT_EQ(error, EBADF);
}

TEST_F(SyscallWatchTest, EachFunctionIsSeenByItself) {
  EXPECT_TRUE(touches([] { getppid(); }));
  EXPECT_FALSE(touches([] {}));
  EXPECT_TRUE(touches([] { getppid(); }));
}

TEST_F(SyscallWatchTest, WhoTakesTheSignalIsSeenAndSoIsTheNext) {
  EXPECT_TRUE(touches([] { signal(SIGSYS, SIG_IGN); }));
  EXPECT_TRUE(touches([] { getppid(); }));
}

TEST_F(SyscallWatchTest, OutsideOfItNothingIsTrapped) {
  EXPECT_FALSE(touches([] {}));
  getppid();
  EXPECT_FALSE(watch.touched());
}

TEST_F(SyscallWatchTest, WhoBlocksTheSignalIsNotEndedByItButCannotBeTold) {
  sigset_t blocked{};
  sigset_t before{};
  sigaddset(&blocked, SIGSYS);
  EXPECT_TRUE(touches([&] { pthread_sigmask(SIG_BLOCK, &blocked, &before); }));
  EXPECT_TRUE(touches([] {})) << "so it is taken to have touched something";
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// Else all further ones would take longer, too.
TEST_F(SyscallWatchTest, BehindTheFirstSystemCallNothingIsWatched) {
  constexpr auto kGetConfig = static_cast<__ptrace_request>(0x4211);  // of Linux 6.4
  struct {
    std::uint64_t mode, selector, offset, length;
  } config{};
  const pid_t child = fork();
  if (child == 0) {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(0);
    SyscallWatch own;
    own.begin();
    raise(SIGSTOP);
    _exit(0);
  }
  int status = 0;
  bool traced = waitpid(child, &status, 0) == child && WIFSTOPPED(status);
  while (traced && WSTOPSIG(status) != SIGSTOP) {
    traced = ptrace(PTRACE_CONT, child, nullptr, WSTOPSIG(status)) == 0 &&
             waitpid(child, &status, 0) == child && WIFSTOPPED(status);
  }
  const bool told = traced && ptrace(kGetConfig, child, sizeof config, &config) == 0;
  if (WIFSTOPPED(status)) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
  }
  if (!told) GTEST_SKIP() << "this kernel does not tell";
  EXPECT_EQ(config.mode, PR_SYS_DISPATCH_OFF);
}

TEST_F(SyscallWatchTest, AFilterOfTheTasksOwnEndsItAsEver) {
  const int status = status_of_child([] {
    sock_filter program[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                             BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
                             BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
                             BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const sock_fprog filter{.len = 4, .filter = program};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
    syscall(SYS_getppid);
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSYS);
}

#ifdef __x86_64__

// On a small stack, of a coroutine perhaps.

ucontext_t outside;
ucontext_t inside;

void call_and_come_back() {
  SyscallWatch watch;
  watch.begin();
  long number = SYS_getppid;
  asm volatile("syscall"
               : "+a"(number)
               :
               : "rcx", "r11", "memory");  // libc's call might look up its own name here
  if (!watch.touched()) _exit(1);
  swapcontext(&inside, &outside);
}

TEST_F(SyscallWatchTest, ASmallStackIsLargeEnough) {
  if (parrun::test::kSanitized) GTEST_SKIP() << "a sanitizer's own frames are larger";
  constexpr std::size_t kSmall = 2048;  // a signal takes more, with the processor's wide registers
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  char* const memory =
      static_cast<char*>(mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  mprotect(memory, page, PROT_NONE);
  const int status = status_of_child([&] {
    getcontext(&inside);
    inside.uc_stack.ss_sp = memory + page;
    inside.uc_stack.ss_size = kSmall;
    makecontext(&inside, call_and_come_back, 0);
    swapcontext(&outside, &inside);
  });
  munmap(memory, 2 * page);
  EXPECT_EQ(status, 0);
}

#endif

}  // namespace
