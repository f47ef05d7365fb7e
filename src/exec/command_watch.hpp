#pragma once
// A command while it runs: its two streams, and its end.

#include <poll.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <array>
#include <cstdint>

#include "base/descriptor.hpp"

namespace parrun {

// One of the command's streams on its way into a file.
class Copy {
 public:
  /// `from` does not block. No more than `limit` bytes are kept; the rest is read and dropped.
  Copy(Descriptor from, int to, std::uint64_t limit) : from_(std::move(from)), to_(to), left_(limit) {}

  bool open() const { return static_cast<bool>(from_); }
  pollfd wait() const { return {from_.get(), POLLIN, 0}; }
  /// Copies what is there, or as much as a pipe holds: a descendant that never stops writing must not keep us
  /// from seeing the command's end.
  void copy_available();

 private:
  void keep(const char* bytes, std::uint64_t size);

  Descriptor from_;
  int to_;
  std::uint64_t left_;
};

/// Copies both streams until the command itself has ended; descendants that hold the pipes open do not count.
/// Returns waitpid's status. One that stops itself is killed, and the status is that of its stop. REQUIRES:
/// `child` leads a process group.
int copy_until_end(pid_t child, std::array<Copy, 2>& streams, rusage& usage);

}  // namespace parrun
