#include "record/holder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include "base/host.hpp"

namespace parrun::record {

Holder this_process() { return {.host = host_name(), .pid = getpid(), .process = process_mark(getpid())}; }

// The start time, field 22 of proc_pid_stat(5). The second field, a name in parentheses, may hold anything.
std::string process_mark(pid_t pid) {
  constexpr int kFieldsBetween = 18;
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  fields >> field;
  if (field == "Z" || field == "X") return {};  // dead, and not buried yet
  for (int i = 0; i < kFieldsBetween; ++i) fields >> field;
  fields >> field;
  return field;
}

LockResult lock_for_run(int fd) {
  constexpr off_t kFarBehind = off_t{1} << 62;
  struct flock wanted {};
  wanted.l_type = F_WRLCK;
  wanted.l_whence = SEEK_SET;
  wanted.l_start = kFarBehind;
  wanted.l_len = 1;
  if (fcntl(fd, F_OFD_SETLK, &wanted) == 0) return LockResult::ours;
  return errno == EAGAIN || errno == EACCES ? LockResult::held : LockResult::impossible;
}

}  // namespace parrun::record
