#include "exec/process_tree.hpp"

#include <dirent.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

namespace parrun {
namespace {

// The parent of `pid`, from /proc/PID/stat: "pid (name) state ppid ...", where the name may hold anything.
pid_t parent_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos || name_end + 4 >= line.size()) return -1;
  return static_cast<pid_t>(std::atol(line.c_str() + name_end + 4));
}

// All of /proc is looked at: /proc/PID/task/TID/children is not in every kernel.
std::vector<pid_t> children() {
  std::vector<pid_t> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  if (!proc) return found;
  while (const dirent* entry = readdir(proc.get())) {
    const auto pid = static_cast<pid_t>(std::atol(entry->d_name));
    if (pid > 0 && parent_of(pid) == getpid()) found.push_back(pid);
  }
  return found;
}

constexpr useconds_t kReapPause_us = 500;

}  // namespace

void adopt_orphans() { prctl(PR_SET_CHILD_SUBREAPER, 1); }

// What is killed leaves its own children to us, so each round reaches one generation further.
bool end_descendants(Duration limit, const std::function<void(pid_t, int)>& on_reaped) {
  const TimePoint end = Clock::now() + limit;
  for (;;) {
    int status = 0;
    pid_t reaped = 0;
    while ((reaped = waitpid(-1, &status, WNOHANG)) > 0) on_reaped(reaped, status);
    if (reaped < 0 && errno == ECHILD) return true;
    if (Clock::now() >= end) return false;
    for (const pid_t child : children()) kill(child, SIGKILL);
    usleep(kReapPause_us);
  }
}

}  // namespace parrun
