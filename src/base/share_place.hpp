#pragma once
#include <cstdint>

namespace parrun {

/// Where a node's copy of a shared value lies.
struct SharePlace {
  std::int64_t pid = 0;  ///< of its keeper
  std::int32_t fd = -1;  ///< there
  std::uint64_t inode = 0;
  std::uint64_t bytes = 0;
  bool operator==(const SharePlace&) const = default;
};

}  // namespace parrun
