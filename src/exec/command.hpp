#pragma once
#include "batch/task_spec.hpp"
#include "parrun/outcome.hpp"

namespace parrun {

/// Runs a command to its end, its output copied to `stdout_fd` and `stderr_fd` as it comes, and fills in how
/// it ended: state, exit_code, signal, error. Whatever it leaves running is not waited for. REQUIRES:
/// spec.is_command(); `environment` ends with a null pointer.
void run_command(const TaskSpec& spec, char** environment, int stdout_fd, int stderr_fd, Outcome& outcome);

/// Fills in how a process ended, from waitpid's status.
void set_ending(int wait_status, Outcome& outcome);

}  // namespace parrun
