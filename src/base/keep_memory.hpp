#pragma once
#include <malloc.h>

#include <algorithm>
#include <cstddef>

namespace parrun {

/// From now on this process keeps up to so much memory that it has freed, for what comes next. By default
/// glibc gives back and asks for again whatever is above 128 KiB, and each page that is new costs a fault.
inline void keep_memory(std::size_t bytes) {
  constexpr std::size_t kMostForOne = std::size_t{32} << 20;  // of glibc: larger ones are mapped alone
  constexpr int kStep = 1 << 20;
  mallopt(M_TRIM_THRESHOLD, static_cast<int>(bytes));
  mallopt(M_MMAP_THRESHOLD, static_cast<int>(std::min(bytes, kMostForOne)));
  mallopt(M_TOP_PAD, kStep);
}

}  // namespace parrun
