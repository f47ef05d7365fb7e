#pragma once
// A stream of bytes in memory that two processes (or threads) share: one writes, one reads.
//
// It holds no lock, so a process that is killed in the middle of anything leaves it usable, and no
// descriptor, so a task that closes them all does not cut it. Sleepers wake by a word that the other side
// counts up.

#include <atomic>
#include <boost/lockfree/spsc_queue.hpp>
#include <string_view>

#include "base/futex.hpp"

namespace parrun {

class Ring {
 public:
  static constexpr std::size_t kCapacity = std::size_t{1} << 20;
  // A lost wake-up (there should be none) costs this much, not for ever.
  static constexpr Duration kNap = std::chrono::milliseconds(100);

  // Neither waits. How many bytes were moved.
  std::size_t try_write(std::string_view bytes);
  std::size_t try_read(char* out, std::size_t size);

  // Both sleep as long as it takes.
  void write(std::string_view bytes);
  void read(char* out, std::size_t size);

  /// Sleeps until there is something to read, at most `limit`.
  void await_data(Duration limit) {
    data_.sleep(limit, [&] { return queue_.read_available() > 0; });
  }
  bool has_data() const { return queue_.read_available() > 0; }

 private:
  // One direction of waking: "there are data" or "there is space".
  class Signal {
   public:
    void announce() {
      count_.fetch_add(1);
      if (sleeping_.load()) futex_wake(count_);
    }
    // `ready` is asked after the intent to sleep is visible: what came before it is seen, what comes later
    // wakes.
    template <typename Ready>
    void sleep(Duration limit, Ready ready) {
      const std::uint32_t seen = count_.load();
      sleeping_.store(true);
      if (!ready()) futex_wait(count_, seen, limit);
      sleeping_.store(false);
    }

   private:
    FutexWord count_{0};
    std::atomic<bool> sleeping_{false};
  };

  boost::lockfree::spsc_queue<char, boost::lockfree::capacity<kCapacity>> queue_;
  Signal data_;
  Signal space_;
};

}  // namespace parrun
