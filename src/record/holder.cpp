#include "record/holder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/host.hpp"
#include "base/process_stat.hpp"

namespace parrun::record {

Holder this_process() { return {.host = host_name(), .pid = getpid(), .process = process_mark(getpid())}; }

std::string process_mark(pid_t pid) {
  constexpr std::size_t kStartTime = 22;
  const std::optional<ProcessStat> stat = ProcessStat::of(pid);
  const bool dead = !stat || stat->state() == 'Z' || stat->state() == 'X';  // or not buried yet
  return dead ? "" : stat->text(kStartTime);
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
