#pragma once
// What an executor tells its zygote of the attempt that it is at, in memory that both share, so that it is
// there to be read when the executor is stuck or dead. A task may have written over it: nothing in here is
// good for more than a decision about this executor and this attempt.

#include <atomic>
#include <cstdint>

#include "base/clock.hpp"
#include "base/resource_limits.hpp"
#include "parrun/id.hpp"

namespace parrun {

struct AttemptNote {
  std::atomic<std::uint64_t> task{0};
  std::atomic<std::int32_t> attempt{0};
  std::atomic<bool> has_scratch{false};  ///< its scratch folder may be there

  // What the executor and its children had used before the attempt.
  std::atomic<double> user_s{0};
  std::atomic<double> system_s{0};
  std::atomic<std::int64_t> resident_kb{0};
  std::atomic<std::int64_t> children_peak_kb{0};

  std::atomic<bool> limited{
      false};  ///< an attempt with one of these limits is executing; 0: not with this one
  std::atomic<std::uint64_t> memory_bytes{0};
  std::atomic<Duration::rep> cpu{0};

  Assignment id() const { return {TaskId(task.load()), attempt.load()}; }
};

}  // namespace parrun
