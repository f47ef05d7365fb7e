#pragma once
// A stream of bytes in memory that two processes (or threads) share: one writes, one reads.
//
// It holds no lock, so a process that is killed in the middle of anything leaves it usable, and no
// descriptor, so a task that closes them all does not cut it. Sleepers wake by a word that the other side
// counts up.
//
// A task may write over any of it, so whatever stands in there nothing but the ring's own bytes is read or
// written: positions only grow, and are reduced to a place in the ring when they are used. (Boost's
// spsc_queue takes its indices for right, and its reader would leave the ring.)

#include <sched.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/futex.hpp"

namespace parrun {

class Ring {
 public:
  static constexpr std::size_t kCapacity = std::size_t{1} << 20;
  // A lost wake-up (there should be none) costs this much, not for ever.
  static constexpr Duration kNap = std::chrono::milliseconds(100);
  static constexpr Duration kSoon = std::chrono::microseconds(50);

  // Neither waits. How many bytes were moved.
  std::size_t try_write(std::string_view bytes);
  /// Throws FormatError where the positions cannot be.
  std::size_t try_read(char* out, std::size_t size);

  // Sleep as long as it takes; not at once, for to wake somebody takes longer than most of what is waited
  // for.

  /// A reader who falls asleep at this very moment may not hear of the bytes before the next ones, a nudge or
  /// his own limit: to be sure costs more than all the rest. True: it had to wait for space.
  bool write(std::string_view bytes);
  /// Until there is something to read.
  void await_data() {
    while (!comes_soon([&] { return has_data(); }) && !has_data()) await_data(kNap);
  }

  /// Sleeps until there is something to read, at most `limit`.
  void await_data(Duration limit) { await_bytes(1, limit); }
  /// Sleeps until as many bytes wait to be read, or nudge(), at most `limit`.
  void await_bytes(std::uint32_t bytes, Duration limit) { await_bytes(bytes, limit, wakes()); }
  /// Likewise; a nudge() since wakes() said `seen` counts too.
  void await_bytes(std::uint32_t bytes, Duration limit, std::uint32_t seen) {
    data_.sleep(bytes, limit, seen, [&] { return has_bytes(bytes); });
  }
  std::uint32_t wakes() const { return data_.wakes(); }
  /// The reader need not wait for what it waits for.
  void nudge() { data_.nudge(); }
  bool has_data() const { return has_bytes(1); }
  bool has_bytes(std::uint32_t bytes) const { return available() >= bytes; }
  /// Bytes that can be read; more than kCapacity where something was written over.
  std::size_t available() const {
    return written_.load(std::memory_order_acquire) - read_.load(std::memory_order_acquire);
  }

 private:
  // One direction of waking: "there are so many bytes of data" or "of space".
  class Signal {
   public:
    /// There are so many: wakes who wants no more, once. To one who is awake nothing is done: a word that
    /// changes all the time lets nobody fall asleep.
    void announce(std::uint32_t bytes) {
      wanted_.fetch_add(0);  // so that it is read behind what was written before
      hint(bytes);
    }
    /// Likewise; but who falls asleep at this moment may have looked too early, and be seen too late.
    void hint(std::uint32_t bytes) {
      const std::uint32_t wanted = wanted_.load(std::memory_order_relaxed);
      if (wanted == 0 || bytes < wanted || wanted_.exchange(0) == 0) return;
      count_.fetch_add(1);
      futex_wake(count_);
    }
    /// Wakes who sleeps, or is about to.
    void nudge() {
      count_.fetch_add(1);
      if (wanted_.load() > 0) futex_wake(count_);
    }
    std::uint32_t wakes() const { return count_.load(); }
    // Not where there was a wake-up since wakes() said `seen`. `ready` is asked after the intent to sleep is
    // visible: what came before it is seen, what comes later wakes.
    template <typename Ready>
    void sleep(std::uint32_t bytes, Duration limit, std::uint32_t seen, Ready ready) {
      wanted_.exchange(bytes);
      if (!ready()) futex_wait(count_, seen, limit);
      wanted_.store(0);
    }

   private:
    FutexWord count_{0};                    ///< of wake-ups
    std::atomic<std::uint32_t> wanted_{0};  ///< by one who sleeps; 0: nobody does
  };

  static bool comes_soon(auto ready) {
    for (const TimePoint end = Clock::now() + kSoon; Clock::now() < end; sched_yield()) {
      if (ready()) return true;
    }
    return false;
  }

  static_assert(std::has_single_bit(kCapacity));
  static constexpr std::size_t kCacheLine = 64;
  // Behind what was written, and as much as a small task's outcome.
  static constexpr std::size_t kPreparedFrom = 4 * kCacheLine;
  static constexpr std::size_t kPreparedTo = 8 * kCacheLine;
  std::size_t push(std::string_view bytes);
  std::size_t space() const;

  // All bytes that ever were; each is counted up by one side alone.
  alignas(kCacheLine) std::atomic<std::size_t> written_{0};
  alignas(kCacheLine) std::atomic<std::size_t> read_{0};
  alignas(kCacheLine) Signal data_;
  Signal space_;
  std::array<char, kCapacity> bytes_;  ///< not cleared: a ring is made over each time an executor is started
};

}  // namespace parrun
