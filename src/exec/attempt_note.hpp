#pragma once
// What an executor tells its zygote of the attempt that it is at, in memory that both share, so that it is
// there to be read when the executor is stuck or dead. A task may have written over it: nothing in here is
// good for more than a decision about this executor and this attempt.

#include <atomic>
#include <cstdint>

#include "base/clock.hpp"
#include "parrun/id.hpp"

namespace parrun {

// Each is written by the executor alone, and what it wrote before is there for whoever reads it.
template <typename T>
class Told {
 public:
  Told& operator=(T value) {
    value_.store(value, std::memory_order_release);
    return *this;
  }
  operator T() const { return value_.load(std::memory_order_acquire); }

 private:
  std::atomic<T> value_{};
};

struct AttemptNote {
  Told<std::uint64_t> task;
  Told<std::int32_t> attempt;
  Told<bool> has_scratch;  ///< its scratch folder may be there

  // What the executor and its children had used before the attempt.
  Told<double> user_s;
  Told<double> system_s;
  Told<std::int64_t> resident_kb;
  Told<std::int64_t> children_peak_kb;

  Told<bool> limited;                ///< an attempt with one of these limits is executing
  Told<std::uint64_t> memory_bytes;  ///< 0: without this limit
  Told<Duration::rep> cpu;           ///< [ns]; 0: without this limit

  Assignment id() const { return {TaskId(task), attempt}; }
};

}  // namespace parrun
