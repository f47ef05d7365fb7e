#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "parrun/outcome.hpp"

namespace parrun {

inline constexpr std::array kStates = {State::succeeded, State::failed, State::timed_out, State::lost,
                                       State::cancelled};

/// The task came to an end of its own: a resumed run has nothing to do with it, unless it is asked to. Of the
/// others the run ended first.
inline bool is_settled(State state) { return state != State::lost && state != State::cancelled; }

/// Tasks by the state they ended in.
class StateCounts {
 public:
  StateCounts() = default;
  StateCounts(std::uint64_t succeeded, std::uint64_t failed, std::uint64_t timed_out, std::uint64_t lost,
              std::uint64_t cancelled)
      : counts_{succeeded, failed, timed_out, lost, cancelled} {}

  void add(State state, std::uint64_t count = 1) { counts_[static_cast<std::size_t>(state)] += count; }
  std::uint64_t operator[](State state) const { return counts_[static_cast<std::size_t>(state)]; }
  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : counts_) sum += count;
    return sum;
  }
  std::uint64_t settled() const { return total() - (*this)[State::lost] - (*this)[State::cancelled]; }

  /// "3 succeeded, 1 failed": what succeeded, and all else that there is.
  std::string text() const {
    std::string text = std::to_string((*this)[State::succeeded]) + " succeeded";
    for (const State state : kStates) {
      if (state == State::succeeded || (*this)[state] == 0) continue;
      text += ", " + std::to_string((*this)[state]) + " " + to_string(state);
    }
    return text;
  }
  bool operator==(const StateCounts&) const = default;

 private:
  std::array<std::uint64_t, kStates.size()> counts_{};
};

}  // namespace parrun
