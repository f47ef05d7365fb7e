#pragma once
// One run at a time works on a record: it holds a lock on the file for as long as it lives, which the kernel
// (or the file server) takes back when the process dies, however it dies.

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/clock.hpp"

namespace parrun::record {

/// Where the rank 0 of a run is, or was.
struct Holder {
  std::string host;
  pid_t pid = 0;
  std::string process;  ///< process_mark() there: tells it from a later process of the same pid
};

/// This process.
Holder this_process();

/// What tells process `pid` of this host from all others that had or will have its pid; empty where there is
/// none that lives.
std::string process_mark(pid_t pid);

/// REQUIRES: holder.host is this host.
inline bool is_alive(const Holder& holder) { return process_mark(holder.pid) == holder.process; }

enum class LockResult { ours, held, impossible };

/// Locks the open file for this process until the descriptor is closed. It is an open file description lock
/// on a byte far behind SQLite's own (https://www.sqlite.org/fileformat.html), which SQLite's closing of
/// other descriptors does not release. impossible: the file system gives none.
LockResult lock_for_run(int fd);

}  // namespace parrun::record
