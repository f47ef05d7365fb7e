#pragma once
#include <sys/resource.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/clock.hpp"

namespace parrun {

/// Makes this process the parent of its descendants' orphans, in whatever session or group they are.
void adopt_orphans();

/// A child that has ended and was waited for; `usage` is its own and that of the children it waited for.
struct Reaped {
  pid_t pid = 0;
  int status = 0;
  rusage usage{};
};

/// Reaps children that have ended, some hundreds at most: descendants that fork and die without pause always
/// leave another one. Returns how many; none where there is no child at all.
std::optional<int> reap_some(const std::function<void(const Reaped&)>& on_reaped);

/// Kills and reaps all descendants of this process, until none is left or `limit` has passed: a process in
/// uninterruptible sleep cannot be killed. Children in `spared` are left alone, with all under them. Returns
/// whether none (but those) is left. REQUIRES: adopt_orphans() was called before they were born.
bool end_descendants(Duration limit, const std::function<void(const Reaped&)>& on_reaped,
                     const std::vector<pid_t>& spared = {});

/// The children of this process that live, zombies included.
std::vector<pid_t> children();

/// What one process of a tree uses now.
struct ProcessUse {
  pid_t pid = 0;
  std::uint64_t resident_bytes = 0;
  Duration cpu{};  ///< of itself and of the children it waited for
};

/// `root` and all its descendants, as far as they can be seen; `root` first.
std::vector<ProcessUse> process_tree(pid_t root);

/// The resident memory of a process where each page that it shares counts in proportion, and shared values do
/// not count; 0 where the kernel does not tell. Costs about a millisecond a GiB.
std::uint64_t proportional_bytes(pid_t pid);

}  // namespace parrun
