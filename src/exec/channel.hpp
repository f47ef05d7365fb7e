#pragma once
// The memory that a worker shares with its executor.
//
// Orders and outcomes are frames (length u64, bytes) in two rings. A thread of the worker's own process finds
// orders where they lie, and an empty frame stands for a large outcome, which lies in a Handover. Many tasks
// may lie in the first ring, and each can be taken back until the moment it starts: to start the next one,
// the executor counts `claim` up; to take back all that have not started, the worker counts the claim's
// revocations up, after which no claim succeeds until the executor has come to the worker's `resume` frame
// behind them. One compare-and-swap decides which of the two was first, so a task is either executed or
// returned, never both and never neither. A lent order is read once it is claimed, for the memory of one that
// was taken back may be gone.

#include <atomic>
#include <cstdint>
#include <string>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "core/attempt_order.hpp"
#include "exec/ring.hpp"

namespace parrun {

enum class FrameKind : std::uint8_t {
  order = kOrder,  ///< core/attempt_order.hpp
  resume = 2,      ///< what was revoked lies before this
  quit = 3,        ///< leave; for threads, a process is killed
  release = 4,     ///< values were released: see SharedValues
  terms = 5,       ///< AttemptTerms, of the orders behind it
  lent = 6         ///< for a thread: where orders lie (BytesView), one behind the other
};

class Channel {
 public:
  /// Values above this many bytes are copied once.
  static constexpr std::size_t kLarge = std::size_t{16} << 10;
  /// From a thread those above this are not copied, and make a message of their own each: below that costs
  /// more than to copy them.
  static constexpr std::size_t kLargeValue = std::size_t{64} << 10;

  Ring tasks;
  Ring outcomes;

  // The worker's side.

  struct Progress {
    std::uint64_t started;  ///< tasks that were ever claimed
    std::uint64_t
        ended;  ///< of those, the ones whose execution has ended; their outcomes may still be on the way
    TimePoint since;  ///< when the last one was claimed
  };
  Progress progress() const {
    const std::uint64_t ended = ended_.load();
    const std::uint64_t started = started_of(claim_.load());
    return {started, ended, TimePoint(Duration(since_.load()))};
  }
  /// From now on nothing starts until a resume frame is read. Returns how many tasks have started.
  std::uint64_t revoke() { return started_of(claim_.fetch_add(kOneRevocation)); }

  // The executor's side. `started` and `resumed` are its own counts of what it claimed and of resume frames.

  bool claim(std::uint64_t started, std::uint64_t resumed, TimePoint now) {
    since_.store(now.time_since_epoch().count(), std::memory_order_relaxed);  // what follows publishes it
    std::uint64_t expected = started | resumed << kStartedBits;
    return claim_.compare_exchange_strong(expected, expected + 1);
  }
  /// `ended`: so many attempts have been executed.
  void end_execution(std::uint64_t ended) { ended_.store(ended, std::memory_order_release); }

 private:
  static constexpr int kStartedBits = 40;
  static constexpr std::uint64_t kOneRevocation = std::uint64_t{1} << kStartedBits;
  static std::uint64_t started_of(std::uint64_t claim) { return claim & (kOneRevocation - 1); }

  std::atomic<std::uint64_t> claim_{0};
  std::atomic<std::uint64_t> ended_{0};
  std::atomic<Duration::rep> since_{0};
};

/// A frame of this kind, to be ended by end_frame().
inline std::size_t begin_frame(FrameKind kind, ByteWriter& out) {
  const std::size_t begin = begin_frame(out);
  out.put(kind);
  return begin;
}

}  // namespace parrun
