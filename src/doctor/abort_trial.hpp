#pragma once
// A job of our own over the same hosts, with endless tasks, that is to end at its limit: the whole way of an
// abort, from a worker that sees a limit pass to the end of the launcher.

#include <map>
#include <string>

#include "base/descriptor.hpp"
#include "batch/task_spec.hpp"
#include "doctor/launch.hpp"
#include "parrun/outcome.hpp"

namespace parrun::doctor {

/// Its batch, an endless task for each rank, in memory: a file would stay behind where this process is
/// killed.
Descriptor endless_batch(std::size_t tasks);

/// The command that starts it. `batch`: the path of the batch; `bound`: it is ended there.
TaskSpec trial_command(Launcher launcher, const Layout& layout, const std::string& batch, Duration bound);

/// What it came to. `ahead_s`: hosts' clocks, against that of `command`'s host.
AbortTrial trial_result(Launcher launcher, const Outcome& command,
                        const std::map<std::string, double>& ahead_s);

}  // namespace parrun::doctor
