#pragma once
// What /proc tells about the processes that a test started, wherever they have gone since.

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace parrun::test {

struct Process {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = '?';     ///< as in /proc/PID/stat: R S D T ...
  std::string name;     ///< at most 15 bytes, as the kernel keeps it
  std::string command;  ///< the arguments, by blanks
  int rank = -1;        ///< OMPI_COMM_WORLD_RANK, or -1
};

/// The live processes (zombies are not) whose environment at their start held `variable`, a NAME=VALUE.
/// A fork inherits it and setsid or another parent do not take it away; only a program that is started
/// with an environment of its own making escapes.
std::vector<Process> processes_with(std::string_view variable);

/// One line for each: what a failed test shows.
std::string describe(const std::vector<Process>& processes);

/// Sends SIGKILL, by pid, until none with `variable` is left (some may be forking meanwhile), for at most
/// 10 s. Returns those it could not end.
std::vector<Process> kill_all_with(std::string_view variable);

}  // namespace parrun::test
