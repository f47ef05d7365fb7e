#pragma once
#include <algorithm>
#include <boost/circular_buffer.hpp>
#include <cstddef>
#include <utility>

namespace parrun {

// A queue in one piece of memory, which it keeps: of things of a hundred bytes or more a std::deque has few
// in each of its own pieces, and allocates and frees those as things come and go.
template <typename T>
class Fifo {
 public:
  void put(T&& thing) {
    constexpr std::size_t kFirst = 16;
    if (things_.full()) things_.set_capacity(std::max(kFirst, 2 * things_.capacity()));
    things_.push_back(std::move(thing));
  }
  /// The first. REQUIRES: !empty().
  T take() {
    T thing = std::move(things_.front());
    things_.pop_front();
    return thing;
  }
  /// The last. REQUIRES: !empty().
  T take_last() {
    T thing = std::move(things_.back());
    things_.pop_back();
    return thing;
  }
  void drop_first() { things_.pop_front(); }
  T& front() { return things_.front(); }
  const T& front() const { return things_.front(); }
  /// The one behind `index` others.
  const T& operator[](std::size_t index) const { return things_[index]; }
  bool empty() const { return things_.empty(); }
  std::size_t size() const { return things_.size(); }

 private:
  boost::circular_buffer<T> things_;
};

}  // namespace parrun
