#pragma once
#include <sys/types.h>

#include <functional>

#include "base/clock.hpp"

namespace parrun {

/// Makes this process the parent of its descendants' orphans, in whatever session or group they are.
void adopt_orphans();

/// Kills and reaps all descendants of this process, until none is left or `limit` has passed: a process in
/// uninterruptible sleep cannot be killed. Returns whether none is left. `on_reaped(pid, status)` for each
/// child. REQUIRES: adopt_orphans() was called before they were born.
bool end_descendants(Duration limit, const std::function<void(pid_t, int)>& on_reaped);

}  // namespace parrun
