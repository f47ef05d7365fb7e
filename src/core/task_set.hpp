#pragma once
#include <bit>
#include <cstdint>
#include <vector>

#include "parrun/id.hpp"

namespace parrun {

// A set of tasks, a bit each up to the largest that was put in.
class TaskSet {
 public:
  void insert(TaskId task) {
    const std::uint64_t word = task.get() / kBits;
    if (word >= words_.size()) words_.resize(word + 1);
    const std::uint64_t bit = std::uint64_t{1} << task.get() % kBits;
    if ((words_[word] & bit) == 0) ++count_;
    words_[word] |= bit;
  }
  bool contains(TaskId task) const {
    const std::uint64_t word = task.get() / kBits;
    return word < words_.size() && (words_[word] >> task.get() % kBits & 1) != 0;
  }
  std::uint64_t count() const { return count_; }

  /// The first one that is not in it, from `task` on.
  TaskId next_absent(TaskId task) const {
    while (contains(task)) task = TaskId(task.get() + (whole(task) ? kBits : 1));
    return task;
  }
  /// The first one that is in it, from `task` on; `end` where there is none before that.
  TaskId next_present(TaskId task, TaskId end) const {
    while (task < end && !contains(task)) task = TaskId(task.get() + (empty(task) ? kBits : 1));
    return task < end ? task : end;
  }
  /// How many are in [0, end).
  std::uint64_t count_below(TaskId end) const {
    std::uint64_t count = 0;
    const std::uint64_t last = end.get() / kBits;
    for (std::uint64_t word = 0; word < words_.size() && word <= last; ++word) {
      const std::uint64_t kept =
          word < last ? ~std::uint64_t{0} : (std::uint64_t{1} << end.get() % kBits) - 1;
      count += static_cast<std::uint64_t>(std::popcount(words_[word] & kept));
    }
    return count;
  }

 private:
  static constexpr std::uint64_t kBits = 64;
  // A word that begins at `task` is full, or holds nothing: it can be passed over at once.
  bool whole(TaskId task) const { return task.get() % kBits == 0 && ~words_[task.get() / kBits] == 0; }
  bool empty(TaskId task) const {
    const std::uint64_t word = task.get() / kBits;
    return task.get() % kBits == 0 && (word >= words_.size() || words_[word] == 0);
  }

  std::vector<std::uint64_t> words_;
  std::uint64_t count_ = 0;
};

}  // namespace parrun
