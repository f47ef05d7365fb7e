#include "doctor/rank_tasks.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "batch/public_task.hpp"
#include "parrun/task.hpp"
#include "record/holder.hpp"

namespace parrun::doctor {

// Archived on their way to rank 0: all ranks are one build.

template <typename Archive>
void serialize(Archive& archive, GroupLimits& limits, unsigned /*version*/) {
  archive& limits.memory_bytes& limits.processes;
}

template <typename Archive>
void serialize(Archive& archive, RankFacts& facts, unsigned /*version*/) {
  archive& facts.cores& facts.host_cores& facts.host_memory_bytes& facts.limits;
  archive& facts.mpi& facts.thread_level& facts.wall_clock_s;
}

namespace {

std::uint64_t host_memory_bytes() {
  return static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

Numbers own_cores() { return cores_of(0); }

void endless() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  const pid_t child = fork();
  if (child == 0) {
    setsid();
    for (;;) pause();
  }
  const std::string pids = fmt::format("{} {}\n", getpid(), child);
  if (write(STDOUT_FILENO, pids.data(), pids.size()) < 0) return;
  volatile unsigned long turns = 0;
  for (;;) turns = turns + 1;
}

std::vector<int> living(const std::vector<int>& pids) {
  std::vector<int> alive;
  std::copy_if(pids.begin(), pids.end(), std::back_inserter(alive),
               [](int pid) { return !record::process_mark(pid).empty(); });
  return alive;
}

// Under names that no user's function has.
const detail::Registered kRankFacts = detail::register_task<rank_facts>("parrun::doctor::rank_facts");
const detail::Registered kOwnCores = detail::register_task<own_cores>("parrun::doctor::own_cores");
const detail::Registered kEndlessFunction = detail::register_task<endless>("parrun::doctor::endless");
const detail::Registered kLiving = detail::register_task<living>("parrun::doctor::living");

template <typename T>
T value_in(const std::string& archive) {
  return std::get<0>(detail::from_bytes<T>(archive));
}

}  // namespace

RankFacts rank_facts() {
  return {.cores = own_cores(),
          .host_cores = cores_of_host(),
          .host_memory_bytes = host_memory_bytes(),
          .limits = own_group_limits(),
          .mpi = mpi_library(),
          .thread_level = mpi_thread_level(),
          .wall_clock_s = wall_clock_s()};
}

TaskSpec facts_task() { return call_spec(task<rank_facts>().fields()); }
RankFacts facts_of(const std::string& value) { return value_in<RankFacts>(value); }

TaskSpec executor_task() { return call_spec(task<own_cores>().fields()); }
Numbers executor_cores_of(const std::string& value) { return value_in<Numbers>(value); }

TaskSpec endless_task(std::size_t kind) {
  TaskSpec spec;
  if (kind == 0) {
    spec = call_spec(task<endless>().fields());
  } else {
    spec.work = ShellCommand{
        "trap '' HUP INT TERM USR1 USR2; (while :; do sleep 1; done) & echo $$ $!; while :; do :; done"};
  }
  spec.timeout = kEndlessLimit;
  return spec;
}

std::vector<int> pids_in(const std::string& stdout_text) {
  std::vector<int> pids;
  std::istringstream words(stdout_text);
  for (int pid = 0; words >> pid;) {
    if (pid > 0) pids.push_back(pid);
  }
  return pids;
}

TaskSpec survivors_task(const std::vector<int>& pids) { return call_spec(task<living>(pids).fields()); }
std::vector<int> survivors_of(const std::string& value) { return value_in<std::vector<int>>(value); }

}  // namespace parrun::doctor
