#pragma once
#include "base/clock.hpp"

namespace parrun {

/// What a limit may be at most, for whoever means never: two of them can be added to a time.
inline constexpr Duration kLongestLimit = std::chrono::hours(24 * 365 * 100);

/// A multiple of a limit that is one itself.
constexpr Duration multiplied(Duration limit, int times) {
  return limit < kLongestLimit / times ? limit * times : kLongestLimit;
}

}  // namespace parrun
