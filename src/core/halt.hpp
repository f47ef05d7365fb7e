#pragma once
// When a batch ends early: GNU parallel's --halt. Pure.
// Source: GNU parallel 20260422, its manual's --halt-on-error, and parse_halt and should_we_halt in its
// source. Three differences: a share may have decimals; it is exact (there, 7% of 100 jobs are 8); and what
// can never be reached, or means nothing, is refused (fail=0, 150%).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace parrun {

/// So many tasks, or such a share of all, have ended so. Exactly one of `count` and `share_ppm` is above
/// zero.
struct HaltRule {
  enum class When { soon, now } when;          ///< soon: running tasks may end; now: they are killed
  enum class Why { fail, success, done } why;  ///< done: with or without success
  std::uint64_t count = 0;                     ///< tasks
  std::uint64_t share_ppm = 0;                 ///< of all tasks [millionths], up to 1'000'000

  bool operator==(const HaltRule&) const = default;
};

/// A batch so far.
struct HaltCounts {
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;            ///< ended without success for good: no attempt is left
  std::optional<std::uint64_t> total;  ///< tasks of the whole batch; none: not known yet
};

/// `never` (none), or WHEN,WHY=VALUE such as `now,fail=1`, `soon,success=3`, `soon,done=10%`; also the short
/// forms 0, 1, 2, -1, -2 and N%. Throws InputError, saying what is wrong with `text`, for all else.
std::optional<HaltRule> parse_halt(std::string_view text);

/// Once true, it stays true as the counts grow. A share is not reached before the total is known: ask again
/// then.
bool reached(const HaltRule& rule, const HaltCounts& counts);

/// As a user would write it: `now,fail=10%`.
std::string describe(const HaltRule& rule);

}  // namespace parrun
