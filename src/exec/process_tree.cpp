#include "exec/process_tree.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "base/process_stat.hpp"
#include "exec/shared_file.hpp"

namespace parrun {
namespace {

struct Stat {
  pid_t parent = 0;
  ProcessUse use;
};

using Folder = std::unique_ptr<DIR, int (*)(DIR*)>;

Folder threads_of(pid_t pid) { return {opendir(fmt::format("/proc/{}/task", pid).c_str()), closedir}; }

// Under whose number the kernel tells of a process's memory: its first thread may have ended, and the others
// go on.
pid_t living_thread(pid_t pid) {
  const auto lives = [](pid_t thread) {
    const auto stat = ProcessStat::of(thread);
    return stat && stat->state() != 'Z' && stat->state() != 'X';
  };
  if (lives(pid)) return pid;
  const Folder threads = threads_of(pid);
  while (const dirent* entry = threads ? readdir(threads.get()) : nullptr) {
    const auto thread = static_cast<pid_t>(std::atol(entry->d_name));
    if (thread > 0 && lives(thread)) return thread;
  }
  return pid;
}

std::optional<Stat> stat_of(pid_t pid) {
  static const auto kTick = Duration(std::chrono::seconds(1)) / sysconf(_SC_CLK_TCK);
  static const auto kPage = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  constexpr std::size_t kUserTime = 14;  // then system time, and both of the children it waited for
  constexpr std::size_t kResident = 24;
  std::optional<ProcessStat> stat = ProcessStat::of(pid);
  if (!stat) return std::nullopt;
  if (stat->state() == 'Z') {
    if (auto living = ProcessStat::of(living_thread(pid))) stat = std::move(living);
  }
  long long ticks = 0;
  for (std::size_t field = kUserTime; field < kUserTime + 4; ++field) ticks += stat->number(field);
  return Stat{
      .parent = stat->parent(),
      .use = {.pid = pid,
              .resident_bytes = static_cast<std::uint64_t>(std::max(0LL, stat->number(kResident))) * kPage,
              .cpu = kTick * ticks}};
}

std::vector<Stat> all_processes() {
  std::vector<Stat> found;
  const Folder proc(opendir("/proc"), closedir);
  if (!proc) return found;
  while (const dirent* entry = readdir(proc.get())) {
    const auto pid = static_cast<pid_t>(std::atol(entry->d_name));
    if (pid <= 0) continue;
    if (const auto stat = stat_of(pid)) found.push_back(*stat);
  }
  return found;
}

// Not every kernel has /proc/PID/task/TID/children; where it is, it spares a look at every process there is.
bool kernel_lists_children() {
  static const bool lists = access(fmt::format("/proc/self/task/{}/children", getpid()).c_str(), R_OK) == 0;
  return lists;
}

void append_listed_children(pid_t pid, std::vector<pid_t>& found) {
  const Folder threads = threads_of(pid);
  if (!threads) return;
  while (const dirent* entry = readdir(threads.get())) {
    if (entry->d_name[0] == '.') continue;
    std::ifstream file(fmt::format("/proc/{}/task/{}/children", pid, entry->d_name));
    for (pid_t child = 0; file >> child;) found.push_back(child);
  }
}

constexpr useconds_t kReapPause_us = 500;

}  // namespace

void adopt_orphans() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

std::optional<int> reap_some(const std::function<void(const Reaped&)>& on_reaped) {
  constexpr int kMost = 256;
  for (int count = 0;; ++count) {
    Reaped reaped;
    if (count < kMost) reaped.pid = wait4(-1, &reaped.status, WNOHANG | __WALL, &reaped.usage);
    if (reaped.pid == 0) return count;
    if (reaped.pid < 0) return errno == ECHILD ? std::nullopt : std::optional(count);
    on_reaped(reaped);
  }
}

std::vector<pid_t> children() {
  std::vector<pid_t> found;
  if (kernel_lists_children()) {
    append_listed_children(getpid(), found);
  } else {
    for (const Stat& process : all_processes()) {
      if (process.parent == getpid()) found.push_back(process.use.pid);
    }
  }
  return found;
}

std::vector<ProcessUse> process_tree(pid_t root) {
  std::vector<ProcessUse> tree;
  std::vector<pid_t> pids{root};
  const std::vector<Stat> all = kernel_lists_children() ? std::vector<Stat>() : all_processes();
  for (std::size_t i = 0; i < pids.size(); ++i) {
    const auto stat = stat_of(pids[i]);
    if (!stat) continue;
    tree.push_back(stat->use);
    if (kernel_lists_children()) append_listed_children(pids[i], pids);
    for (const Stat& process : all) {
      if (process.parent == pids[i]) pids.push_back(process.use.pid);
    }
  }
  return tree;
}

std::uint64_t proportional_bytes(pid_t pid) {
  const std::string thread = std::to_string(living_thread(pid));
  std::ifstream file(fmt::format("/proc/{}/smaps_rollup", thread));
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("Pss:")) continue;
    const std::uint64_t all = std::strtoull(line.c_str() + 4, nullptr, 10) * 1024;
    return all - std::min(all, shared_use(thread).proportional_bytes);
  }
  return 0;
}

// What is killed leaves its own children to us, so each round reaches one generation further. There is no
// pause as long as that goes on: of those that fork and die faster than a round, each has some that meet
// their kill.
bool end_descendants(Duration limit, const std::function<void(const Reaped&)>& on_reaped,
                     const std::vector<pid_t>& spared) {
  const TimePoint end = Clock::now() + limit;
  for (;;) {
    const std::optional<int> reaped = reap_some(on_reaped);
    if (!reaped) return true;
    bool some_left = false;
    for (const pid_t child : children()) {
      if (std::find(spared.begin(), spared.end(), child) != spared.end()) continue;
      some_left = true;
      kill(child, SIGKILL);
    }
    if (!some_left) return true;
    if (Clock::now() >= end) return false;
    if (*reaped == 0) usleep(kReapPause_us);
  }
}

}  // namespace parrun
