#include "exec/syscall_watch.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <ucontext.h>

#include <array>
#include <cstddef>

#include "base/sanitizers.hpp"

namespace parrun {

// The thread sanitizer puts signals off, but this one must be answered at once.
#if defined(__x86_64__) && defined(PR_SET_SYSCALL_USER_DISPATCH) && !PARRUN_THREAD_SANITIZER

namespace {

constexpr int kTrapped = 2;              // si_code: SYS_USER_DISPATCH, of which not every libc knows
constexpr greg_t kInstructionBytes = 2;  // syscall

// The kernel reads it at each system call.
volatile char selector = PR_SYS_DISPATCH_OFF;
volatile sig_atomic_t watching = 0;
// A task may be on a small stack of its own.
alignas(std::max_align_t) std::array<char, std::size_t{64} << 10> stack;

void start_dispatch() {
  watching = prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &selector) == 0;
}
void stop_dispatch() {
  prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);  // with anything else it would go on
  watching = 0;
}

void on_system_call(int /*number*/, siginfo_t* info, void* context) {
  selector = PR_SYS_DISPATCH_OFF;
  signal(SIGSYS, SIG_DFL);          // as the task is to find it
  if (info->si_code != kTrapped) {  // a filter of the task's own
    raise(SIGSYS);
    return;
  }
  stop_dispatch();
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP] -= kInstructionBytes;  // it is made now
}

// What a task has made of the signal meanwhile is overwritten. Where it has it blocked, the kernel would end
// us.
void arm() {
  sigset_t mask{};
  if (pthread_sigmask(SIG_SETMASK, nullptr, &mask) != 0 || sigismember(&mask, SIGSYS) != 0) return;
  const stack_t own{.ss_sp = stack.data(), .ss_flags = 0, .ss_size = stack.size()};
  struct sigaction action {};
  action.sa_sigaction = on_system_call;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  if (sigaltstack(&own, nullptr) != 0 || sigaction(SIGSYS, &action, nullptr) != 0) return;
  start_dispatch();
}

}  // namespace

SyscallWatch::SyscallWatch() { watching = 0; }  // a fork does not hand it on
SyscallWatch::~SyscallWatch() {
  selector = PR_SYS_DISPATCH_OFF;
  if (watching != 0) stop_dispatch();
}

void SyscallWatch::begin() {
  if (watching == 0) arm();
  selector = PR_SYS_DISPATCH_ON;
}
void SyscallWatch::end() { selector = PR_SYS_DISPATCH_OFF; }
bool SyscallWatch::touched() const { return watching == 0; }

#else

SyscallWatch::SyscallWatch() = default;
SyscallWatch::~SyscallWatch() = default;
void SyscallWatch::begin() {}
void SyscallWatch::end() {}
bool SyscallWatch::touched() const { return true; }

#endif

}  // namespace parrun
