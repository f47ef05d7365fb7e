#pragma once
// Sleeping on a word of memory that two processes share. std::atomic::wait knows neither other processes nor
// a limit. See futex(2).

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <ctime>

#include "base/clock.hpp"

namespace parrun {

using FutexWord = std::atomic<std::uint32_t>;
static_assert(sizeof(FutexWord) == 4 && FutexWord::is_always_lock_free);

/// Sleeps while `word` is `seen`, at most `limit`; may wake early.
inline void futex_wait(FutexWord& word, std::uint32_t seen, Duration limit) {
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(limit).count();
  const timespec span{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  syscall(SYS_futex, &word, FUTEX_WAIT, seen, &span, nullptr, 0);
}

inline void futex_wake(FutexWord& word) { syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0); }

}  // namespace parrun
