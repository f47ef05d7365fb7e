#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "exec/attempt_note.hpp"

namespace parrun {

enum class ExceededLimit : std::uint8_t { memory = 1, cpu = 2 };

// Watches what an attempt uses, with all its descendants, by looking at them from outside: rlimits hold for
// each process alone, and count address space that is never touched. A look every kLookEvery, or so seldom
// that looking costs 5 % of a core at most: where the kernel does not list children, each is at all processes
// of the node.
class AttemptLimits {
 public:
  static constexpr Duration kLookEvery = std::chrono::milliseconds(20);

  explicit AttemptLimits(const AttemptNote& note) : note_(note) {}

  struct Excess {
    ExceededLimit limit;
    Assignment attempt;  ///< which may have ended since, and another one begun
  };
  /// The limit that the attempt of `executor` has exceeded, if it is time to look.
  std::optional<Excess> look(pid_t executor, TimePoint now);
  Duration until_next_look(TimePoint now) const { return next_ > now ? next_ - now : Duration::zero(); }

 private:
  std::optional<Excess> measure(pid_t executor) const;

  const AttemptNote& note_;
  TimePoint next_{};
};

}  // namespace parrun
