// Task functions for the tests that misbehave for real, and a few that behave. Each but the last group harms
// its executor as an actual program would; none of it is simulated.

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "parrun/task.hpp"

namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void spin_for_ever() {
  volatile unsigned long turns = 0;
  for (;;) turns = turns + 1;
}

[[noreturn]] void throw_runtime_error(const char* message) { throw std::runtime_error(message); }

[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}

}  // namespace

// Tasks that do not end.

void ignores_sigterm() {
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  sleep_for_ever();
}
PARRUN_TASK(ignores_sigterm);

void blocks_all_signals() {
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  sleep_for_ever();
}
PARRUN_TASK(blocks_all_signals);

void spins() { spin_for_ever(); }
PARRUN_TASK(spins);

// Also what its worker and its zygote use to hear of it is gone.
void spins_without_descriptors() {
  ::close_range(0, ~0U, 0);
  spin_for_ever();
}
PARRUN_TASK(spins_without_descriptors);

// Stops itself: SIGTERM to a stopped process stays pending.
void stops_itself() {
  ::raise(SIGSTOP);
  sleep_for_ever();
}
PARRUN_TASK(stops_itself);

// Leaves a process in a session of its own, without a living parent, that ignores SIGTERM and keeps the
// task's descriptors open for 1000 s. The task itself returns that process's id, or never.
int leaves_grandchild(bool then_endless) {
  int ids[2];
  if (::pipe2(ids, O_CLOEXEC) != 0) throw_runtime_error("pipe2");
  const pid_t child = ::fork();
  if (child < 0) throw_runtime_error("fork");
  if (child == 0) {
    ::setsid();
    if (::fork() != 0) ::_exit(0);
    ::signal(SIGTERM, SIG_IGN);
    const int id = ::getpid();
    if (::write(ids[1], &id, sizeof id) != sizeof id) ::_exit(1);
    ::close(ids[0]);
    ::close(ids[1]);
    ::sleep(1000);
    ::_exit(0);
  }
  ::close(ids[1]);
  ::waitpid(child, nullptr, 0);
  int id = 0;
  const bool heard = ::read(ids[0], &id, sizeof id) == sizeof id;
  ::close(ids[0]);
  if (!heard) throw_runtime_error("no word from the grandchild");
  if (then_endless) sleep_for_ever();
  return id;
}
PARRUN_TASK(leaves_grandchild);

// Tasks that take their process with them.

void exits(int code) { std::exit(code); }
PARRUN_TASK(exits);

void exits_at_once(int code) { ::_exit(code); }
PARRUN_TASK(exits_at_once);

void aborts() { std::abort(); }
PARRUN_TASK(aborts);

void segfaults() {
  volatile int* volatile nowhere = nullptr;  // both: the compiler removes the pointer, or the store, else
  *nowhere = 1;
}
PARRUN_TASK(segfaults);

void raises(int signal) { ::raise(signal); }
PARRUN_TASK(raises);

// An exception that leaves a thread of the task's own: std::terminate.
void terminates() {
  std::thread([] { throw_runtime_error("left its thread"); }).join();
}
PARRUN_TASK(terminates);

// Tasks that throw.

void throws_int() { throw 42; }
PARRUN_TASK(throws_int);

class SolverDiverged : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

void throws_derived(const std::string& message) { throw SolverDiverged(message); }
PARRUN_TASK(throws_derived);

void runs_out_of_memory() {
  std::vector<char> huge;
  huge.reserve(huge.max_size());
}
PARRUN_TASK(runs_out_of_memory);

// Types that do not convert.

// No JSON form: only C++ can call a function that takes it.
struct Opaque {
  int value = 0;
  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& value;
  }
};

int takes_opaque(Opaque opaque) { return opaque.value; }
PARRUN_TASK(takes_opaque);

Opaque gives_opaque(int value) { return Opaque{value}; }
PARRUN_TASK(gives_opaque);

// Refuses JSON that is well formed: its own rule, in its own words. Its to_json throws likewise.
struct BadJson {
  double mass_kg = 1;
  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& mass_kg;
  }
};

void from_json(const nlohmann::json& json, BadJson& out) {
  json.at("mass_kg").get_to(out.mass_kg);
  if (!(out.mass_kg > 0)) throw std::invalid_argument("mass_kg is not above 0");
}

void to_json(nlohmann::json& json, const BadJson& in) {
  if (!(in.mass_kg > 0)) throw std::invalid_argument("mass_kg is not above 0");
  json = {{"mass_kg", in.mass_kg}};
}

/// Where `negate`, the result cannot be shown as JSON.
BadJson bad_json(BadJson in, bool negate) {
  if (negate) in.mass_kg = -in.mass_kg;
  return in;
}
PARRUN_TASK(bad_json);

// A result whose serialisation throws.
struct Unserialisable {
  template <typename Archive>
  void serialize(Archive& /*archive*/, unsigned /*version*/) {
    throw std::logic_error("this result cannot be serialised");
  }
};

Unserialisable gives_unserialisable() { return {}; }
PARRUN_TASK(gives_unserialisable);

std::string not_utf8() { return "\xff\xfe\x80"; }
PARRUN_TASK(not_utf8);

// Tasks that behave.

void prints(const std::string& text, bool to_stderr) {
  if (to_stderr) {
    std::fwrite(text.data(), 1, text.size(), stderr);
  } else {
    std::cout << text;  // not flushed: whoever captures it must see to that
  }
}
PARRUN_TASK(prints);

double sleeps(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  return seconds;
}
PARRUN_TASK(sleeps);

/// Computes for so many milliseconds of wall time.
void busy(double ms) {
  const auto end = Clock::now() + std::chrono::duration<double, std::milli>(ms);
  while (Clock::now() < end) {
  }
}
PARRUN_TASK(busy);

std::string echo(std::string text) { return text; }
PARRUN_TASK(echo);

std::string big(std::uint64_t n_bytes) {
  std::string text;
  text.resize(n_bytes, 'x');
  return text;
}
PARRUN_TASK(big);

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }
PARRUN_TASK(sum);

void nothing() {}
PARRUN_TASK(nothing);

/// The process that runs it, to tell a fresh executor from the one before.
int process_id() { return ::getpid(); }
PARRUN_TASK(process_id);

// Leftovers that must not harm the next task.

// Forks, and the child returns too.
int fork_returns() {
  if (::fork() == 0) return 0;
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return 1;
}
PARRUN_TASK(fork_returns);

// Closes all descriptors but the first three, and opens a file that then has one of their numbers.
void opens_in_their_place(const std::string& path) {
  for (int fd = 3; fd < 1000; ++fd) ::close(fd);
  for (int i = 0; i < 8; ++i) {
    if (::open(path.c_str(), O_RDWR) < 0) std::abort();
  }
}
PARRUN_TASK(opens_in_their_place);

void replaces_stdout(const std::string& path) {
  if (std::freopen(path.c_str(), "w", stdout) == nullptr) std::abort();
}
PARRUN_TASK(replaces_stdout);

void ignores_its_childrens_ends() { ::signal(SIGCHLD, SIG_IGN); }
PARRUN_TASK(ignores_its_childrens_ends);
