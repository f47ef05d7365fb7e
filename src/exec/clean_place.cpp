#include "exec/clean_place.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>
#ifdef __x86_64__
#include <fpu_control.h>
#include <xmmintrin.h>
#endif

#include <algorithm>
#include <clocale>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <utility>
#ifdef __GLIBCXX__
#include <ext/stdio_sync_filebuf.h>
#endif

#include "exec/process_tree.hpp"

namespace parrun {
namespace {

constexpr int kOftenUsed[] = {SIGCHLD, SIGPIPE, SIGALRM, SIGTERM};
constexpr int kSometimesUsed[] = {SIGHUP,  SIGINT, SIGQUIT, SIGILL,  SIGABRT, SIGFPE,
                                  SIGSEGV, SIGBUS, SIGUSR1, SIGUSR2, SIGURG};

__rlimit_resource limit(std::size_t number) { return static_cast<__rlimit_resource>(number); }

std::string current_folder() {
  std::error_code ignored;
  return std::filesystem::current_path(ignored).string();
}

int first_free_descriptor() {
  const int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
  if (fd >= 0) close(fd);
  return fd;
}

// The kernel counts the timers that a process makes; -1: it does not tell.
int next_timer() {
  sigevent silent{};
  silent.sigev_notify = SIGEV_NONE;
  int number = -1;
  if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &silent, &number) != 0) return -1;
  syscall(SYS_timer_delete, number);
  return number;
}

unsigned long thread_count() {
  struct stat status {};
  return stat("/proc/self/task", &status) == 0 ? status.st_nlink : 0;
}

// The threads that OpenMP keeps for the next parallel region are no leftovers: they sleep until then.
unsigned long openmp_threads() {
  for (const char* name : {"libgomp.so.1", "libomp.so.5", "libiomp5.so"}) {
    void* const library = dlopen(name, RTLD_NOLOAD | RTLD_LAZY);
    if (library == nullptr) continue;
    const auto most = reinterpret_cast<int (*)()>(dlsym(library, "omp_get_max_threads"));
    const int threads = most != nullptr ? most() : 1;
    dlclose(library);
    return static_cast<unsigned long>(std::max(threads - 1, 0));
  }
  return 0;
}

// A thread that was joined is still seen for a moment.
bool threads_go(unsigned long wanted) {
  constexpr Duration kJoinMoment = std::chrono::milliseconds(2);
  for (const TimePoint end = Clock::now() + kJoinMoment; Clock::now() < end; sched_yield()) {
    if (thread_count() <= wanted) return true;
  }
  return false;
}

bool same_format(const std::ios& a, const std::ios& b) {
  return a.flags() == b.flags() && a.precision() == b.precision() && a.width() == b.width() &&
         a.fill() == b.fill() && a.exceptions() == b.exceptions() && a.tie() == b.tie();
}

void put_back(std::streambuf* buffer, std::ios& stream) {
  if (stream.rdbuf() != buffer || !stream.good()) stream.rdbuf(buffer);  // clears its state too
}

bool passes_all_to_stdio([[maybe_unused]] std::streambuf* buffer) {
#ifdef __GLIBCXX__
  return dynamic_cast<__gnu_cxx::stdio_sync_filebuf<char>*>(buffer) != nullptr;
#else
  return false;
#endif
}

bool same_handler(const struct sigaction& a, const struct sigaction& b) {
  return a.sa_handler == b.sa_handler && a.sa_flags == b.sa_flags;
}

}  // namespace

// That a result was not exact says nothing: ours are not either.
std::uint64_t FloatingPoint::look() {
  constexpr int kSecond = 32;
  constexpr int kThird = 48;
#ifdef __x86_64__
  constexpr unsigned kRaised = FE_ALL_EXCEPT & ~FE_INEXACT;
  constexpr unsigned kOtherFlags = _MM_EXCEPT_MASK & ~kRaised;
  fpu_control_t control = 0;
  _FPU_GETCW(control);
  std::uint16_t status = 0;
  asm volatile("fnstsw %0" : "=a"(status));
  const std::uint64_t first = _mm_getcsr() & ~kOtherFlags, second = control, third = status & kRaised;
#else
  constexpr int kLowest = FE_ALL_EXCEPT & -FE_ALL_EXCEPT;  // wherever they lie in their word
  const auto first = static_cast<std::uint64_t>(fegetround());
  const auto second = static_cast<std::uint64_t>(fegetexcept() / kLowest);
  const auto third = static_cast<std::uint64_t>(fetestexcept(FE_ALL_EXCEPT & ~FE_INEXACT) / kLowest);
#endif
  return first | second << kSecond | third << kThird;
}

CleanPlace::CleanPlace()
    : folder_(current_folder()),
      umask_(umask(0)),
      locale_(setlocale(LC_ALL, nullptr)),
      out_buffer_(std::cout.rdbuf()),
      err_buffer_(std::cerr.rdbuf()),
      synchronised_(std::ios::sync_with_stdio(true)),
      out_passes_on_(passes_all_to_stdio(out_buffer_)),
      priority_(getpriority(PRIO_PROCESS, 0)),
      policy_(sched_getscheduler(0)),
      first_free_descriptor_(first_free_descriptor()),
      last_timer_(next_timer()),
      threads_(thread_count()) {
  umask(umask_);
  sched_getaffinity(0, sizeof affinity_, &affinity_);
  prctl(PR_GET_PDEATHSIG, &parent_death_signal_);
  timer_slack_ = static_cast<unsigned long>(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0));
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    environment_.push_back(*variable);
  }
  environment_.push_back(nullptr);
  pthread_sigmask(SIG_SETMASK, nullptr, &mask_);
  out_.copyfmt(std::cout);
  err_.copyfmt(std::cerr);
  out_locale_ = out_.getloc();
  err_locale_ = err_.getloc();
  for (int number = 1; number < NSIG; ++number) {
    sigaction(number, nullptr, &handlers_[static_cast<std::size_t>(number)]);
  }
  for (std::size_t i = 0; i < limits_.size(); ++i) getrlimit(limit(i), &limits_[i]);
}

CleanPlace::Rights::Rights() {
  constexpr unsigned long kOnlyAsked = 0xffffffff;
  auto& [user, effective_user, saved_user] = users;
  getresuid(&user, &effective_user, &saved_user);
  auto& [group, effective_group, saved_group] = groups;
  getresgid(&group, &effective_group, &saved_group);
  no_new_privileges = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
  filters = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);
  personality = ::personality(kOnlyAsked);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  syscall(SYS_capget, &header, sets.data());
  capabilities = {sets[0].effective, sets[0].permitted, sets[1].effective, sets[1].permitted};
  std::size_t i = 0;
  for (const char* name : {"/", "/proc/self/ns/user", "/proc/self/ns/mnt", "/proc/self/ns/net",
                           "/proc/self/ns/ipc", "/proc/self/ns/uts", "/proc/self/ns/pid_for_children"}) {
    struct stat status {};
    if (stat(name, &status) == 0) places.at(i) = status.st_ino;
    ++i;
  }
}

bool CleanPlace::restore_untouched() {
  restore_environment();
  const bool restored = restore_streams();
  floating_point_.restore();
  if (locale_ != setlocale(LC_ALL, nullptr)) setlocale(LC_ALL, locale_.c_str());  // the streams' sets it too
  return restored;
}

bool CleanPlace::restore(Duration elapsed) {
  if (!restore_untouched()) return false;
  restore_formats();
  umask(umask_);
  for (const int number : kOftenUsed) restore_handler(number);
  pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  const itimerval none{};
  setitimer(ITIMER_REAL, &none, nullptr);
  looked_ = false;
  return return_to_folder() && threads_are_gone() && look_now_and_then(elapsed);
}

bool CleanPlace::restore_behind_command(Duration elapsed) { return look_now_and_then(elapsed); }

bool CleanPlace::return_to_folder() const { return folder_.empty() || chdir(folder_.c_str()) == 0; }

bool CleanPlace::look_now_and_then(Duration elapsed) {
  saved_ = std::min<Duration>(saved_ + elapsed / kLookShare, kMostSaved);
  if (saved_ <= Duration::zero()) return true;
  const Duration start = thread_cpu_time();  // on a busy node a look may last long, and costs no more for it
  const bool usable = std::exchange(looked_, true) ? look_from_outside() : look_closely();
  saved_ -= thread_cpu_time() - start;
  return usable;
}

void CleanPlace::suspect() {
  looked_ = false;
  saved_ = kMostSaved;
}

bool CleanPlace::threads_are_gone() {
  alone_ = thread_count() <= threads_;
  return alone_ || threads_go(threads_ + openmp_threads());
}

// As long as it lies where it lay, it is no shorter; or a function has made another one there, and what lies
// behind that differs.
void CleanPlace::restore_environment() {
  const bool lies_there = environ != nullptr && environ == environment_at_;
  if (lies_there && std::equal(environment_.begin(), environment_.end(), environ)) return;
  clearenv();
  for (char* const variable : environment_) {
    if (variable != nullptr) putenv(variable);
  }
  environment_at_ = environ;
}

// Streams that were taken off stdio (sync_with_stdio() with true tells) cannot be put back: libstdc++ has
// destroyed their buffers. Nor can those that have taken wide characters: they take no others any more.
bool CleanPlace::restore_streams() {
  if (fwide(stdout, 0) > 0 || fwide(stderr, 0) > 0) return false;
  if (synchronised_ && !std::ios::sync_with_stdio(true)) return false;
  if (std::locale() != global_locale_) std::locale::global(global_locale_);
  if (!std::cin.good()) std::cin.clear();
  put_back(out_buffer_, std::cout);
  put_back(err_buffer_, std::cerr);
  const bool same = same_format(std::cout, out_) && same_format(std::cerr, err_) &&
                    std::cout.getloc() == out_locale_ && std::cerr.getloc() == err_locale_;
  if (!same) restore_formats();
  return true;
}

bool CleanPlace::cout_is_stdout() const { return out_passes_on_ && std::cout.rdbuf() == out_buffer_; }

// With what cannot be seen: callbacks, and words that somebody registered.
void CleanPlace::restore_formats() {
  std::cout.copyfmt(out_);
  std::cerr.copyfmt(err_);
}

bool CleanPlace::look_closely() {
  // As the zygote left it: what a task leaves must come to us, and we must not outlive the zygote.
  adopt_orphans();
  prctl(PR_SET_PDEATHSIG, parent_death_signal_);
  const itimerval none{};
  setitimer(ITIMER_VIRTUAL, &none, nullptr);
  setitimer(ITIMER_PROF, &none, nullptr);
  prctl(PR_SET_TIMERSLACK, timer_slack_);
  return Rights() == rights_ && !made_timers() && restore_handlers() && !too_many_descriptors() &&
         look_from_outside();
}

// One that is still there would send its signal to the next task.
bool CleanPlace::made_timers() {
  const int expected = last_timer_ + 1;
  last_timer_ = next_timer();
  return last_timer_ >= 0 && last_timer_ != expected;
}

// What other processes can change.
bool CleanPlace::look_from_outside() const { return restore_limits() && same_share_of_the_processor(); }

bool CleanPlace::same_share_of_the_processor() const {
  cpu_set_t present{};
  if (sched_getaffinity(0, sizeof present, &present) == 0 && CPU_EQUAL(&present, &affinity_) == 0 &&
      sched_setaffinity(0, sizeof affinity_, &affinity_) != 0)
    return false;
  return getpriority(PRIO_PROCESS, 0) == priority_ && sched_getscheduler(0) == policy_;
}

bool CleanPlace::restore_handler(int number) const {
  const struct sigaction& wanted = handlers_[static_cast<std::size_t>(number)];
  struct sigaction present {};
  if (sigaction(number, nullptr, &present) != 0 || same_handler(present, wanted)) return true;
  return sigaction(number, &wanted, nullptr) == 0;
}

bool CleanPlace::restore_handlers() const {
  return std::all_of(std::begin(kSometimesUsed), std::end(kSometimesUsed),
                     [this](int number) { return restore_handler(number); });
}

bool CleanPlace::restore_limits() const {
  for (std::size_t i = 0; i < limits_.size(); ++i) {
    const rlimit& wanted = limits_[i];
    rlimit present{};
    if (getrlimit(limit(i), &present) != 0) continue;
    if (present.rlim_cur == wanted.rlim_cur && present.rlim_max == wanted.rlim_max) continue;
    if (setrlimit(limit(i), &wanted) != 0) return false;
  }
  return true;
}

// A few that libraries keep open are no harm; a leak would end in none being left, and a standard descriptor
// that is closed would be somebody else's file.
bool CleanPlace::too_many_descriptors() const {
  constexpr int kHarmless = 64;
  const int first = first_free_descriptor();
  return first < first_free_descriptor_ || first > first_free_descriptor_ + kHarmless;
}

}  // namespace parrun
