// What bad.cpp lacks for the run of ten thousand tasks of which one in ten does something bad, and good tasks
// that notice what a bad neighbour has left behind.

#include <fcntl.h>
#include <fenv.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <climits>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "parrun/task.hpp"

namespace {

using namespace std::chrono_literals;

[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}

void crash() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

void require(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("the place is not clean: " + what);
}

// The state of a process that is looked at as often as that is earned (src/exec/clean_place.hpp) is surely
// put back behind a task that took longer.
void take_a_moment() { std::this_thread::sleep_for(10ms); }

int descend(const volatile char* above, int depth) {
  volatile char room[4096];
  room[0] = above[0];
  if (depth == INT_MAX) return room[0];
  return descend(room, depth + 1) + room[0];
}

// At a pace that does not take much more than a limit between two looks at it.
void take_memory(std::size_t megabytes) {
  constexpr std::size_t kStep = std::size_t{1} << 20;
  for (std::size_t i = 0; i < megabytes; ++i) {
    void* volatile memory = std::malloc(kStep);  // volatile: what is never read is not written, else
    std::memset(memory, 1, kStep);
    std::this_thread::sleep_for(1ms);
  }
}

}  // namespace

// Tasks that take their process with them.

int overflows_the_stack() {
  const char start = 0;
  return descend(&start, 0);
}
PARRUN_TASK(overflows_the_stack);

void frees_twice() {
  void* volatile memory = std::malloc(40);
  std::free(memory);
  std::free(memory);
}
PARRUN_TASK(frees_twice);

void writes_before_its_memory() {
  volatile std::size_t* volatile memory = static_cast<std::size_t*>(std::malloc(40));
  memory[-1] = 3;  // the allocator's own
  std::free(const_cast<std::size_t*>(memory));
}
PARRUN_TASK(writes_before_its_memory);

void kills_its_group() { ::kill(0, SIGKILL); }
PARRUN_TASK(kills_its_group);

void becomes(const std::string& program, const std::string& argument) {
  ::execlp(program.c_str(), program.c_str(), argument.c_str(), nullptr);
}
PARRUN_TASK(becomes);

void crashes_in_a_thread() {
  std::thread(crash).detach();
  sleep_for_ever();
}
PARRUN_TASK(crashes_in_a_thread);

void takes_memory_without_end() { take_memory(std::size_t{1} << 20); }
PARRUN_TASK(takes_memory_without_end);

void takes_memory_in_children(int count, int megabytes_each) {
  for (int i = 0; i < count; ++i) {
    if (::fork() != 0) continue;
    take_memory(static_cast<std::size_t>(megabytes_each));
    sleep_for_ever();
  }
  sleep_for_ever();
}
PARRUN_TASK(takes_memory_in_children);

/// Does it only where `file` is not there yet, and makes it.
int fails_once(int index, const std::string& file, const std::string& how) {
  const int made = ::open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (made < 0) return index;
  ::close(made);
  if (how == "segfault") crash();
  if (how == "abort") std::abort();
  if (how == "exit") std::exit(5);
  if (how == "kill") ::raise(SIGKILL);
  if (how == "sleep") sleep_for_ever();
  throw std::runtime_error("the first attempt");
}
PARRUN_TASK(fails_once);

// Tasks that end well, and leave something behind.

/// Each bit of `what` changes a thing that the next task must not notice.
unsigned disturbs(unsigned what) {
  const auto wanted = [&what] { return std::exchange(what, what >> 1) % 2 == 1; };
  const unsigned all = what;
  if (wanted() && ::chdir("/") != 0) std::abort();
  if (wanted()) ::setenv("PARRUN_CHAOS_DIRT", "left", 1);
  if (wanted()) ::clearenv();
  if (wanted()) ::umask(0777);
  if (wanted()) {
    for (const int number : {SIGTERM, SIGINT, SIGUSR1, SIGPIPE}) ::signal(number, SIG_IGN);
  }
  if (wanted()) ::signal(SIGCHLD, SIG_IGN);
  if (wanted()) {
    sigset_t every;
    sigfillset(&every);
    ::pthread_sigmask(SIG_BLOCK, &every, nullptr);
  }
  if (wanted()) ::fesetround(FE_UPWARD);
  if (wanted()) ::alarm(1);
  if (wanted()) std::setlocale(LC_ALL, "C.UTF-8");
  if (wanted()) std::cout << std::hex << std::showbase;
  if (wanted()) std::cout.setstate(std::ios::failbit);
  if (wanted()) {
    const rlimit small{1000, RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  if (wanted()) ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + 1);
  take_a_moment();
  return all;
}
PARRUN_TASK(disturbs);

int removes_its_folder(int index, const std::string& folder) {
  std::filesystem::create_directory(folder);
  if (::chdir(folder.c_str()) != 0 || ::rmdir(folder.c_str()) != 0) std::abort();
  return index;
}
PARRUN_TASK(removes_its_folder);

int leaks_descriptors(int count) {
  for (int i = 0; i < count; ++i) {
    if (::open("/dev/null", O_RDONLY) < 0) std::abort();
  }
  take_a_moment();
  return count;
}
PARRUN_TASK(leaks_descriptors);

int closes_all_descriptors(int index) {
  ::close_range(0, ~0U, 0);
  take_a_moment();
  return index;
}
PARRUN_TASK(closes_all_descriptors);

int prints_then_closes_stdout(int index) {
  std::cout << "before\n" << std::flush;
  ::close(STDOUT_FILENO);
  take_a_moment();
  return index;
}
PARRUN_TASK(prints_then_closes_stdout);

/// The thread crashes long after the task's end.
int leaves_a_thread_that_crashes(int index) {
  std::thread([] {
    std::this_thread::sleep_for(300ms);
    crash();
  }).detach();
  take_a_moment();
  return index;
}
PARRUN_TASK(leaves_a_thread_that_crashes);

int leaves_children(int count) {
  for (int i = 0; i < count; ++i) {
    if (::fork() != 0) continue;
    sigset_t every;
    sigfillset(&every);
    ::sigprocmask(SIG_BLOCK, &every, nullptr);
    if (i % 2 == 0) ::setsid();
    if (i % 3 == 0) ::raise(SIGSTOP);
    ::sleep(1000);
    ::_exit(0);
  }
  return count;
}
PARRUN_TASK(leaves_children);

/// Every byte there is, and what looks like somebody else's outcome.
void prints_garbage() {
  for (int byte = 0; byte < 256; ++byte) std::putchar(byte);
  std::cout << "\n{\"task\": 0, \"state\": \"failed\"}\n";
}
PARRUN_TASK(prints_garbage);

void prints_much(int n_bytes) {
  const std::string text(static_cast<std::size_t>(n_bytes), 'x');
  std::fwrite(text.data(), 1, text.size(), stdout);
}
PARRUN_TASK(prints_much);

// Good tasks.

/// `index`; throws where something is not as a fresh process of the run has it.
int finds_a_clean_place(int index, const std::string& folder, unsigned mask, int priority) {
  require(std::filesystem::current_path() == folder, "folder");
  const mode_t present = ::umask(0);
  ::umask(present);
  require(present == mask, "umask");
  require(::getenv("PARRUN_CHAOS_DIRT") == nullptr, "a variable of another task");
  require(::getenv("PATH") != nullptr, "no PATH");
  require(::getenv("PARRUN_TASK_INDEX") == std::string_view(std::to_string(index)), "PARRUN_TASK_INDEX");
  for (const int number : {SIGTERM, SIGINT, SIGUSR1, SIGPIPE, SIGCHLD}) {
    struct sigaction action {};
    ::sigaction(number, nullptr, &action);
    require(action.sa_handler == SIG_DFL, std::string("handler of SIG") + ::sigabbrev_np(number));
  }
  sigset_t blocked;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  require(::sigisemptyset(&blocked) != 0, "blocked signals");
  require(::fegetround() == FE_TONEAREST, "rounding");
  require(::alarm(0) == 0, "alarm");
  require(std::setlocale(LC_ALL, nullptr) == std::string_view("C"), "locale");
  rlimit size{};
  ::getrlimit(RLIMIT_FSIZE, &size);
  require(size.rlim_cur == RLIM_INFINITY, "limit of a file's size");
  require(::getpriority(PRIO_PROCESS, 0) == priority, "priority");
  std::cout << "task " << index << '\n';
  return index;
}
PARRUN_TASK(finds_a_clean_place);

/// `index`, through a thread and a child: both their ends must reach it.
int joins_thread_and_child(int index) {
  int low = 0;
  std::thread([&] { low = index % 100; }).join();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(index / 100);
  int status = 0;
  require(::waitpid(child, &status, 0) == child, "a child's end is not told");
  return WEXITSTATUS(status) * 100 + low;
}
PARRUN_TASK(joins_thread_and_child);
