#pragma once
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "core/outcome.hpp"

namespace parrun {

// Outcomes from one thread to another of the same process, whole: to copy what is large into a ring, and out
// of it from another core's cache, takes longer than all else that is done for it.
class Handover {
 public:
  static constexpr std::size_t kMost = std::size_t{4} << 20;  ///< wait to be taken; one may be larger

  /// Waits while as much is there as may be.
  void put(LargeOutcome outcome) {
    std::unique_lock lock(mutex_);
    taken_.wait(lock, [&] { return bytes_ == 0 || bytes_ + outcome.bytes.size() <= kMost; });
    bytes_ += outcome.bytes.size();
    waiting_.push_back(std::move(outcome));
  }
  /// The first. REQUIRES: there is one.
  LargeOutcome take() {
    const std::lock_guard lock(mutex_);
    LargeOutcome outcome = std::move(waiting_.front());
    waiting_.pop_front();
    bytes_ -= outcome.bytes.size();
    taken_.notify_one();
    return outcome;
  }

 private:
  std::mutex mutex_;
  std::condition_variable taken_;
  std::deque<LargeOutcome> waiting_;
  std::size_t bytes_ = 0;  ///< of those
};

}  // namespace parrun
