#pragma once
// What an executor does: take tasks from the channel, execute them, put outcomes back.

#include "exec/attempt.hpp"
#include "exec/channel.hpp"
#include "exec/handover.hpp"

namespace parrun {

/// Serves until a quit frame, or until no further attempt may be made here: whoever started it replaces it.
/// `large`: for outcomes that are, on a thread of the worker's process.
void serve_tasks(Channel& channel, Attempter& attempter, Handover* large = nullptr);

}  // namespace parrun
