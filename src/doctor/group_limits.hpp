#pragma once
#include <cstdint>
#include <string>

namespace parrun::doctor {

/// What the control groups around a process leave it; 0: no limit.
struct GroupLimits {
  std::uint64_t memory_bytes = 0;
  std::uint64_t processes = 0;  ///< threads count
};

/// The smallest limits from the group up to the root. `groups`: as /proc/PID/cgroup says; `mount`: where they
/// are mounted. Knows versions 1 and 2: https://www.kernel.org/doc/html/latest/admin-guide/cgroup-v2.html
GroupLimits group_limits(const std::string& groups, const std::string& mount);

/// Of this process.
GroupLimits own_group_limits();

}  // namespace parrun::doctor
