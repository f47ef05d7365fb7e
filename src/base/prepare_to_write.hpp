#pragma once
#include <cstddef>
#include <cstdint>

namespace parrun {

/// The cache line of `at`, which may be any address, will be written soon: it is fetched meanwhile, from
/// memory or the core that has it. A store does not wait for its line, but what comes behind some tens of
/// such stores does.
inline void prepare_to_write(const void* at) {
#ifdef __x86_64__
  // GCC's own is one for reading, except with -mprfchw.
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(at)));
#else
  __builtin_prefetch(at, 1);
#endif
}

/// Likewise the lines of `size` bytes.
inline void prepare_to_write(const void* at, std::size_t size) {
  constexpr std::uintptr_t kCacheLine = 64;
  const auto begin = reinterpret_cast<std::uintptr_t>(at);
  for (std::uintptr_t line = begin & ~(kCacheLine - 1); line < begin + size; line += kCacheLine)
    prepare_to_write(reinterpret_cast<const void*>(line));
}

}  // namespace parrun
