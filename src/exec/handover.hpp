#pragma once
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "base/bytes.hpp"

namespace parrun {

// Bytes from one thread to another of the same process, whole: to copy what is large into a ring, and out of
// it from another core's cache, takes longer than all else that is done for it.
class Handover {
 public:
  static constexpr std::size_t kMost = std::size_t{4} << 20;  ///< wait to be taken; one may be larger

  /// Waits while as much is there as may be.
  void put(Bytes bytes) {
    std::unique_lock lock(mutex_);
    taken_.wait(lock, [&] { return bytes_ == 0 || bytes_ + bytes.size() <= kMost; });
    bytes_ += bytes.size();
    waiting_.push_back(std::move(bytes));
  }
  /// The first. REQUIRES: there is one.
  Bytes take() {
    const std::lock_guard lock(mutex_);
    Bytes bytes = std::move(waiting_.front());
    waiting_.pop_front();
    bytes_ -= bytes.size();
    taken_.notify_one();
    return bytes;
  }

 private:
  std::mutex mutex_;
  std::condition_variable taken_;
  std::deque<Bytes> waiting_;
  std::size_t bytes_ = 0;  ///< of those
};

}  // namespace parrun
