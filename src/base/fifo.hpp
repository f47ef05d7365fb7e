#pragma once
#include <cstddef>
#include <utility>
#include <vector>

namespace parrun {

// A queue in one piece of memory, which it keeps: for things too large for a std::deque to have more than one
// of in each of its own pieces.
template <typename T>
class Fifo {
 public:
  void put(T&& thing) { things_.push_back(std::move(thing)); }
  /// REQUIRES: !empty().
  T take() {
    T first = std::move(things_[first_++]);
    // Moving what is left costs no more than was taken since the last time.
    if (2 * first_ >= things_.size()) {
      things_.erase(things_.begin(), things_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
    return first;
  }
  bool empty() const { return size() == 0; }
  std::size_t size() const { return things_.size() - first_; }

 private:
  std::vector<T> things_;
  std::size_t first_ = 0;  ///< those before it were taken
};

}  // namespace parrun
