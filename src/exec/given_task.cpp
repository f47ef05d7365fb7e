#include "exec/given_task.hpp"

#include <utility>

#include "batch/task_spec.hpp"

namespace parrun {

// Field by field: what is copied in one piece right behind its making stalls the processor.
GivenTask given_task(const AttemptOrder& order, SharedBytes frame) {
  const TaskHead head = decode_task_head(order.payload);
  return {.id = {order.id.task, order.id.attempt},
          .timeout = head.timeout.value_or(Duration::zero()),
          .retries = head.retries.value_or(-1),
          .is_command = head.is_command,
          .limited = head.resources != ResourceLimits(),
          .order = std::move(frame)};
}

}  // namespace parrun
