#pragma once
#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace parrun {

inline std::size_t kept_memory = 0;  ///< [bytes] by this process, as keep_memory() was told

/// From now on this process keeps up to so much memory that it has freed, for what comes next. By default
/// glibc gives back and asks for again whatever is above 128 KiB, and each page that is new costs a fault.
inline void keep_memory(std::size_t bytes) {
  constexpr std::size_t kMostForOne = std::size_t{32} << 20;  // of glibc: larger ones are mapped alone
  constexpr int kStep = 1 << 20;
  kept_memory = bytes;
  mallopt(M_TRIM_THRESHOLD, static_cast<int>(bytes));
  mallopt(M_MMAP_THRESHOLD, static_cast<int>(std::min(bytes, kMostForOne)));
  mallopt(M_TOP_PAD, kStep);
}

/// The next 20 MB and more that this thread allocates, above a first one or two, lie in huge pages, where the
/// system gives some to who asks: in some virtual machines a page takes 16 us to be had, and a huge one, for
/// each of the 512 that it stands for, 0.3. Nothing where so much is not kept.
inline void ask_for_huge_pages() {
  constexpr std::uintptr_t kHuge = std::uintptr_t{2} << 20;
  constexpr std::size_t kAhead = std::size_t{24} << 20;  // below keep_memory's kMostForOne
  constexpr std::size_t kFirst = std::size_t{1} << 20;   // little is not worth a whole one
  void* const block = kept_memory > kAhead ? std::malloc(kAhead) : nullptr;
  if (block == nullptr) return;
  const auto at = reinterpret_cast<std::uintptr_t>(block);
  const std::uintptr_t begin = (at + kFirst + kHuge - 1) / kHuge * kHuge;
  madvise(reinterpret_cast<void*>(begin), (at + kAhead) / kHuge * kHuge - begin, MADV_HUGEPAGE);
  std::free(block);  // it stays: what is kept is handed out next
}

}  // namespace parrun
