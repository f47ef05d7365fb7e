#pragma once
#include "base/clock.hpp"
#include "base/shared_bytes.hpp"
#include "core/attempt_order.hpp"
#include "parrun/id.hpp"

namespace parrun {

/// A task on its way to an executor.
struct GivenTask {
  Assignment id;
  Duration timeout{};  ///< its own, or zero
  int retries = -1;    ///< its own, or -1
  bool is_command = false;
  bool limited = false;  ///< it has resource limits of its own
  SharedBytes order;     ///< the frame (core/attempt_order.hpp)

  BytesView payload() const { return decode_order(order).payload; }
};
/// Throws FormatError where that is none. `frame`: all of `order`.
GivenTask given_task(const AttemptOrder& order, SharedBytes frame);
inline GivenTask given_task(const AttemptOrder& order) { return given_task(order, encode(order)); }

}  // namespace parrun
