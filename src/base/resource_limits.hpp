#pragma once
#include <cstdint>
#include <optional>

#include "base/clock.hpp"

namespace parrun {

/// What one attempt may use, its descendants included. None: no limit.
struct ResourceLimits {
  std::optional<std::uint64_t> memory_bytes;  ///< resident
  std::optional<Duration> cpu;                ///< user and system time of all its processes
  std::optional<std::uint64_t> output_bytes;  ///< kept of each of stdout and stderr

  /// These, and where there are none, `general`'s.
  ResourceLimits or_else(const ResourceLimits& general) const {
    return {memory_bytes ? memory_bytes : general.memory_bytes, cpu ? cpu : general.cpu,
            output_bytes ? output_bytes : general.output_bytes};
  }
  bool operator==(const ResourceLimits&) const = default;
};

}  // namespace parrun
