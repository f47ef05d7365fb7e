#pragma once
#include <cstdint>
#include <numeric>
#include <string>

#include "parrun/id.hpp"

namespace parrun {

// The number-th of `count` parts of a batch: every count-th task. Neighbours in a batch tend to cost alike,
// so parts of neighbours would not be alike. Invariant: 1 <= number <= count.
struct Shard {
  std::uint64_t number = 1;
  std::uint64_t count = 1;

  bool whole() const { return count == 1; }
  TaskId first() const { return TaskId(number - 1); }
  bool contains(TaskId task) const { return task.get() % count == number - 1; }
  /// How many of its tasks come before `task`, which is one of them.
  std::uint64_t position(TaskId task) const { return task.get() / count; }
  /// How many of its tasks are in [0, end).
  std::uint64_t tasks_below(std::uint64_t end) const { return end / count + (end % count >= number ? 1 : 0); }
  /// Some task of a batch that is large enough is in both.
  bool overlaps(const Shard& other) const {
    const std::uint64_t apart = number > other.number ? number - other.number : other.number - number;
    return apart % std::gcd(count, other.count) == 0;  // by the Chinese remainder theorem
  }
  bool operator==(const Shard&) const = default;
};

/// "3/10"
std::string to_string(const Shard& shard);
/// Reads that. Throws InputError that says what is wrong with it.
Shard parse_shard(const std::string& text);

}  // namespace parrun
