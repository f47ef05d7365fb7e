#pragma once
// What a process got from whoever forked it, and must not keep or hand on.

#include <vector>

namespace parrun {

/// Closes all descriptors but those in `keep`; the standard ones lead to /dev/null.
void close_all_but(const std::vector<int>& keep);

/// Removes the variables of MPI's launchers: a task that is an MPI program would join our job.
void remove_launcher_variables();

/// The signals by which launchers, terminals and people end a program end this process no more.
void ignore_ending_signals();

/// No signal is ignored, whoever made it so: it would be ignored in every program that is started from here.
void heed_ignored_signals();

/// No signal is blocked, and children that end are waited for.
void unblock_signals();

}  // namespace parrun
