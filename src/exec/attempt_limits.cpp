#include "exec/attempt_limits.hpp"

#include <algorithm>

#include "exec/process_tree.hpp"

namespace parrun {

std::optional<AttemptLimits::Excess> AttemptLimits::look(pid_t executor, TimePoint now) {
  if (now < next_) return std::nullopt;
  const auto exceeded = note_.limited ? measure(executor) : std::nullopt;
  constexpr int kPauseForEachLook = 20;
  next_ = now + std::max(kLookEvery, kPauseForEachLook * (Clock::now() - now));
  return exceeded;
}

std::optional<AttemptLimits::Excess> AttemptLimits::measure(pid_t executor) const {
  const Assignment looked_at = note_.id();
  const std::uint64_t memory_limit = note_.memory_bytes;
  const Duration cpu_limit{note_.cpu};
  const auto had_bytes = static_cast<std::uint64_t>(note_.resident_kb) * 1024;
  Duration cpu = -from_seconds(note_.user_s + note_.system_s);
  std::uint64_t own_bytes = 0;
  std::uint64_t others_bytes = 0;
  const std::vector<ProcessUse> tree = process_tree(executor);
  for (const ProcessUse& process : tree) {
    cpu += process.cpu;
    (process.pid == executor ? own_bytes : others_bytes) += process.resident_bytes;
  }
  own_bytes -= std::min(own_bytes, had_bytes);
  if (memory_limit > 0 && own_bytes + others_bytes > memory_limit) {
    // Forks share pages, which stand in the size of each.
    others_bytes = 0;
    for (const ProcessUse& process : tree) {
      const std::uint64_t share = proportional_bytes(process.pid);
      if (process.pid == executor) {
        own_bytes = std::min(own_bytes, share);
      } else {
        others_bytes += share;
      }
    }
  }
  // It may have ended while it was looked at, and another one begun.
  if (!note_.limited || note_.id() != looked_at) return std::nullopt;
  if (memory_limit > 0 && own_bytes + others_bytes > memory_limit)
    return Excess{ExceededLimit::memory, looked_at};
  if (cpu_limit > Duration::zero() && cpu > cpu_limit) return Excess{ExceededLimit::cpu, looked_at};
  return std::nullopt;
}

}  // namespace parrun
