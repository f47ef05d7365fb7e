#pragma once
// What an executor does: take tasks from the channel, execute them, put outcomes back.

#include "exec/attempt.hpp"
#include "exec/channel.hpp"

namespace parrun {

/// Serves until a quit frame, or until no further attempt may be made here: whoever started it replaces it.
void serve_tasks(Channel& channel, Attempter& attempter);

}  // namespace parrun
