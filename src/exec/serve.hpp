#pragma once
// What an executor does: take tasks from the channel, execute them, put outcomes back.

#include "exec/capture.hpp"
#include "exec/channel.hpp"

namespace parrun {

/// Serves until a quit frame. `capture` is where this process's output goes and is null in a thread, which
/// shares stdout with its process and must not be given commands. Returns early, to be replaced, where a task
/// has closed the descriptors that the next one needs.
void serve_tasks(Channel& channel, Capture* capture);

}  // namespace parrun
