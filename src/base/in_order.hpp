#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

namespace parrun {

// Puts things that come in any order into the order of their numbers, from 0.
template <typename T>
class InOrder {
 public:
  void put(std::uint64_t number, T thing) { waiting_.emplace(number, std::move(thing)); }
  /// The next one, if it is there.
  std::optional<T> take_next() {
    if (waiting_.empty() || waiting_.begin()->first != next_) return std::nullopt;
    return take_first();
  }
  /// The first that is there, over whatever gap.
  std::optional<T> take_over_gap() {
    if (waiting_.empty()) return std::nullopt;
    return take_first();
  }
  std::size_t size() const { return waiting_.size(); }

 private:
  T take_first() {
    auto first = waiting_.extract(waiting_.begin());
    next_ = first.key() + 1;
    return std::move(first.mapped());
  }

  std::map<std::uint64_t, T> waiting_;
  std::uint64_t next_ = 0;
};

}  // namespace parrun
