#pragma once
#include <compare>
#include <cstdint>
#include <functional>

namespace parrun {

// A number that cannot be mistaken for another kind of number.
template <typename Tag, typename T>
class StrongId {
 public:
  StrongId() = default;
  constexpr explicit StrongId(T value) : value_(value) {}
  constexpr T get() const { return value_; }
  auto operator<=>(const StrongId&) const = default;

 private:
  T value_{};
};

/// A task's index in its batch: its identity.
using TaskId = StrongId<struct TaskTag, std::uint64_t>;
/// A rank of the communicator; the dispatcher is rank 0.
using Rank = StrongId<struct RankTag, int>;

/// One execution of a task: the first attempt is 1.
struct Assignment {
  TaskId task;
  int attempt = 1;
  bool operator==(const Assignment&) const = default;
};

}  // namespace parrun

template <typename Tag, typename T>
struct std::hash<parrun::StrongId<Tag, T>> {
  std::size_t operator()(const parrun::StrongId<Tag, T>& id) const { return std::hash<T>()(id.get()); }
};
