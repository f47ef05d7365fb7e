// Task functions that harm what is around them: the machine's memory and CPU, the processes beside theirs,
// and the process that the next task is called in. What ends the process itself is in bad.cpp.

#include <fcntl.h>
#include <fenv.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <clocale>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "parrun/task.hpp"

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

[[noreturn]] void hang() {
  for (;;) ::pause();
}

[[noreturn]] void spin() {
  for (volatile unsigned long turns = 0;;) turns = turns + 1;
}

// CPU time of this process [s].
double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Mapped, not allocated: no allocator keeps it, or gives it back.
char* touched(std::size_t megabytes) {
  void* const memory = ::mmap(nullptr, megabytes * kMegabyte, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
  ::madvise(memory, megabytes * kMegabyte, MADV_HUGEPAGE);  // some machines take a second to fault in 500 MB
  std::memset(memory, 1, megabytes * kMegabyte);
  return static_cast<char*>(memory);
}

template <typename Body>
pid_t in_child(Body body) {
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child > 0) return child;
  body();
  ::_exit(0);
}

void wait_for_all() {
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
}

}  // namespace

// Crashes that bad.cpp has not.

namespace {

[[gnu::noinline]] unsigned long dive(unsigned long depth) {
  volatile char frame[1000];
  frame[0] = static_cast<char>(depth);
  if (depth == 0) return static_cast<unsigned long>(frame[0]);
  return dive(depth - 1) + static_cast<unsigned long>(frame[0]);
}

}  // namespace

void overflows_its_stack() { dive(ULONG_MAX); }
PARRUN_TASK(overflows_its_stack);

void frees_twice() {
  char* volatile block = new char[100];  // volatile: the compiler sees two blocks
  delete[] block;
  delete[] block;
}
PARRUN_TASK(frees_twice);

// Memory, CPU time, output.

void allocates_without_end() {
  for (;;) touched(8);
}
PARRUN_TASK(allocates_without_end);

/// Holds that many megabytes for a while, and gives them back.
void allocates(std::uint64_t megabytes, double seconds) {
  char* const memory = touched(megabytes);
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  ::munmap(memory, megabytes * kMegabyte);
}
PARRUN_TASK(allocates);

void children_allocate(int children, std::uint64_t megabytes_each) {
  for (int i = 0; i < children; ++i) {
    in_child([=] {
      touched(megabytes_each);
      hang();
    });
  }
  wait_for_all();
}
PARRUN_TASK(children_allocate);

void children_spin(int children) {
  for (int i = 0; i < children; ++i) in_child([] { spin(); });
  wait_for_all();
}
PARRUN_TASK(children_spin);

/// A child's child computes until it has used that much CPU time.
void grandchild_computes(double cpu_s) {
  in_child([=] {
    in_child([=] {
      while (cpu_seconds() < cpu_s) {
      }
    });
    wait_for_all();
  });
  wait_for_all();
}
PARRUN_TASK(grandchild_computes);

void prints_without_end() {
  const std::string line(1000, 'x');
  for (;;) std::cout << line << '\n';
}
PARRUN_TASK(prints_without_end);

/// Writes that many megabytes to stdout; returns the most bytes that the file behind it ever took up.
std::int64_t prints_megabytes(int megabytes) {
  const std::string block(kMegabyte, 'x');
  std::int64_t most = 0;
  for (int i = 0; i < megabytes; ++i) {
    if (::write(STDOUT_FILENO, block.data(), block.size()) < 0)
      throw std::system_error(errno, std::generic_category(), "write");
    struct stat status {};
    ::fstat(STDOUT_FILENO, &status);
    most = std::max<std::int64_t>(most, status.st_blocks * 512);
  }
  return most;
}
PARRUN_TASK(prints_megabytes);

// Processes.

namespace {

void write_pid(const std::string& path) {
  const std::string line = std::to_string(::getpid()) + "\n";
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0 || ::write(fd, line.data(), line.size()) < 0) ::_exit(1);
  ::close(fd);
}

long lines_in(const std::string& path) {
  std::ifstream in(path);
  return std::count(std::istreambuf_iterator<char>(in), {}, '\n');
}

void ignore_requests_to_end() {
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::signal(number, SIG_IGN);
}

}  // namespace

/// Leaves five processes that would stay for good, each of which writes its id to the file: a child that
/// ignores SIGTERM and its child, a daemon (setsid and two forks), a program with an empty environment in a
/// session of its own, and one that is stopped.
int leaves_family(const std::string& path, bool then_endless) {
  in_child([&] {
    ignore_requests_to_end();
    in_child([&] {
      write_pid(path);
      hang();
    });
    write_pid(path);
    hang();
  });
  in_child([&] {
    ::setsid();
    in_child([&] {
      ignore_requests_to_end();
      write_pid(path);
      hang();
    });
  });
  in_child([&] {
    ::setsid();
    ignore_requests_to_end();
    write_pid(path);
    const char* const nothing[] = {nullptr};
    ::execle("/bin/sleep", "sleep", "1000", nullptr, nothing);
  });
  in_child([&] {
    write_pid(path);
    ::raise(SIGSTOP);
    hang();
  });
  constexpr int kFamily = 5;
  for (const auto end = Clock::now() + 5s; lines_in(path) < kFamily;) {
    if (Clock::now() > end) throw std::runtime_error("not all have written their ids");
    std::this_thread::sleep_for(1ms);
  }
  if (then_endless) hang();
  return kFamily;
}
PARRUN_TASK(leaves_family);

/// Returns when the file is there.
void waits_for_file(const std::string& path) {
  while (!std::filesystem::exists(path)) std::this_thread::sleep_for(2ms);
}
PARRUN_TASK(waits_for_file);

// What a task sees.

std::vector<std::string> environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);
  return variables;
}
PARRUN_TASK(environment);

bool leads_its_group() { return ::getpgrp() == ::getpid(); }
PARRUN_TASK(leads_its_group);

/// The signals that are ignored, caught or blocked.
std::vector<int> signals_not_default() {
  std::vector<int> found;
  sigset_t mask;
  ::sigprocmask(SIG_BLOCK, nullptr, &mask);
  for (int number = 1; number <= SIGRTMAX; ++number) {
    struct sigaction present {};
    const bool handled = ::sigaction(number, nullptr, &present) == 0 && present.sa_handler != SIG_DFL;
    if (handled || ::sigismember(&mask, number) == 1) found.push_back(number);
  }
  return found;
}
PARRUN_TASK(signals_not_default);

/// By a program that a function starts.
void runs_a_command(const std::string& line) {
  if (std::system(line.c_str()) != 0) throw std::runtime_error(line);
}
PARRUN_TASK(runs_a_command);

/// The folder it starts in, and what it is told of it.
std::vector<std::string> folders() {
  const char* const told = std::getenv("PARRUN_WORKDIR");
  return {std::filesystem::current_path(), told == nullptr ? "" : told};
}
PARRUN_TASK(folders);

// Leftovers in the process that the next task is called in.

namespace {

// A part of the process's state: how a task reads it, and how one leaves it changed.
struct Part {
  std::function<std::string()> read;
  std::function<void()> change;
};

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "unset" : value;
}

std::string disposition(int number) {
  struct sigaction present {};
  ::sigaction(number, nullptr, &present);
  if (present.sa_handler == SIG_DFL) return "default";
  return present.sa_handler == SIG_IGN ? "ignored" : "caught";
}

std::string blocked_signals() {
  sigset_t mask;
  ::sigprocmask(SIG_BLOCK, nullptr, &mask);
  std::string numbers;
  for (int number = 1; number <= SIGRTMAX; ++number) numbers += ::sigismember(&mask, number) == 1 ? '1' : '0';
  return numbers;
}

std::string timers() {
  std::string running;
  for (const auto which : {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF}) {
    itimerval timer{};
    ::getitimer(which, &timer);
    running += timer.it_value.tv_sec + timer.it_value.tv_usec > 0 ? "runs " : "rests ";
  }
  return running;
}

void start_timer(__itimer_which which) {
  itimerval timer{};
  timer.it_value.tv_sec = 5;
  ::setitimer(which, &timer, nullptr);
}

std::string stream_format(std::ostream& stream) {
  std::ostringstream text;
  text << static_cast<long>(stream.flags()) << ' ' << stream.precision() << ' ' << stream.width() << ' '
       << stream.fill() << ' ' << stream.exceptions() << ' ' << stream.rdstate();
  return text.str();
}

std::string limits_of(__rlimit_resource kind) {
  rlimit limit{};
  ::getrlimit(kind, &limit);
  return std::to_string(limit.rlim_cur) + " of " + std::to_string(limit.rlim_max);
}

void lower(__rlimit_resource kind, rlim_t to) {
  const rlimit limit{to, to};
  ::setrlimit(kind, &limit);
}

std::string open_descriptors() {
  const auto all = std::filesystem::directory_iterator("/proc/self/fd");
  return std::to_string(std::distance(begin(all), end(all)));
}

void leak_descriptors(int count) {
  for (int i = 0; i < count; ++i) [[maybe_unused]] const int fd = ::open("/dev/null", O_RDONLY);
}

std::string descriptor_state(int fd) { return ::fcntl(fd, F_GETFD) < 0 ? "closed" : "open"; }

std::string working_folder() {
  std::error_code gone;
  return std::filesystem::current_path(gone).string();
}

std::string umask_text() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return std::to_string(mask);
}

const std::map<std::string, Part>& parts() {
  static const std::map<std::string, Part> all{
      {"folder", {working_folder, [] { [[maybe_unused]] const int done = ::chdir("/usr"); }}},
      {"a new variable",
       {[] { return variable("LEFTOVER"); }, [] { ::setenv("LEFTOVER", "set by a task", 1); }}},
      {"PATH unset", {[] { return variable("PATH"); }, [] { ::unsetenv("PATH"); }}},
      {"HOME changed", {[] { return variable("HOME"); }, [] { ::setenv("HOME", "/nowhere", 1); }}},
      {"the whole environment", {[] { return variable("PATH"); }, [] { ::clearenv(); }}},
      {"umask", {umask_text, [] { ::umask(0777); }}},
      {"handler of SIGTERM",
       {[] { return disposition(SIGTERM); }, [] { ::signal(SIGTERM, [](int /*number*/) {}); }}},
      {"SIGPIPE ignored", {[] { return disposition(SIGPIPE); }, [] { ::signal(SIGPIPE, SIG_IGN); }}},
      {"SIGCHLD ignored", {[] { return disposition(SIGCHLD); }, [] { ::signal(SIGCHLD, SIG_IGN); }}},
      {"signal mask",
       {blocked_signals,
        [] {
          sigset_t all_signals;
          sigfillset(&all_signals);
          ::sigprocmask(SIG_BLOCK, &all_signals, nullptr);
        }}},
      {"alarm", {timers, [] { ::alarm(1); }}},
      {"timer of CPU time", {timers, [] { start_timer(ITIMER_PROF); }}},
      {"rounding mode", {[] { return std::to_string(::fegetround()); }, [] { ::fesetround(FE_UPWARD); }}},
      {"locale",
       {[] { return std::string(std::setlocale(LC_ALL, nullptr)); },
        [] { std::setlocale(LC_ALL, "C.UTF-8"); }}},
      {"format of std::cout",
       {[] { return stream_format(std::cout); },
        [] { std::cout << std::hex << std::showbase << std::setprecision(2) << std::setfill('*'); }}},
      {"state of std::cout",
       {[] { return stream_format(std::cout); }, [] { std::cout.setstate(std::ios::badbit); }}},
      {"exceptions of std::cerr",
       {[] { return stream_format(std::cerr); }, [] { std::cerr.exceptions(std::ios::badbit); }}},
      {"100 descriptors", {open_descriptors, [] { leak_descriptors(100); }}},
      {"stdin closed", {[] { return descriptor_state(0); }, [] { ::close(0); }}},
      {"stdout closed", {[] { return descriptor_state(1); }, [] { ::close(1); }}},
      {"priority",
       {[] { return std::to_string(::getpriority(PRIO_PROCESS, 0)); },
        [] { [[maybe_unused]] const int now = ::nice(5); }}},
      {"limit of open files", {[] { return limits_of(RLIMIT_NOFILE); }, [] { lower(RLIMIT_NOFILE, 100); }}},
      {"limit of a file's size",
       {[] { return limits_of(RLIMIT_FSIZE); }, [] { lower(RLIMIT_FSIZE, 1 << 20); }}},
      {"limit of CPU time", {[] { return limits_of(RLIMIT_CPU); }, [] { lower(RLIMIT_CPU, 1000); }}},
  };
  return all;
}

// Close looks at what a function left are earned by its time.
void last_long_enough_to_be_looked_at() { std::this_thread::sleep_for(std::chrono::milliseconds(10)); }

}  // namespace

std::vector<std::string> state_parts() {
  std::vector<std::string> names;
  for (const auto& [name, part] : parts()) names.push_back(name);
  return names;
}
PARRUN_TASK(state_parts);

std::string finds(const std::string& part) { return parts().at(part).read(); }
PARRUN_TASK(finds);

/// Returns how the next task would find it.
std::string leaves_changed(const std::string& part) {
  parts().at(part).change();
  last_long_enough_to_be_looked_at();
  return parts().at(part).read();
}
PARRUN_TASK(leaves_changed);

void leaves_crashing_thread(double seconds) {
  std::thread([seconds] {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    ::raise(SIGSEGV);
  }).detach();
  last_long_enough_to_be_looked_at();
}
PARRUN_TASK(leaves_crashing_thread);

void leaks(std::uint64_t megabytes) {
  touched(megabytes);
  last_long_enough_to_be_looked_at();
}
PARRUN_TASK(leaks);
