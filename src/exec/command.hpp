#pragma once
#include <optional>

#include "batch/task_spec.hpp"
#include "parrun/outcome.hpp"

namespace parrun {

/// Runs a command to its end, its output copied to `stdout_fd` and `stderr_fd` as it comes, and fills in how
/// it ended: state, exit_code, signal, error, max_rss_kb. Of each stream a byte more than `output_limit` is
/// copied, which shows that it was longer; the rest is read and dropped. Whatever it leaves running is not
/// waited for. A command that stops itself (SIGSTOP) is killed: nobody would continue it. REQUIRES:
/// spec.is_command(); `environment` ends with a null pointer.
void run_command(const TaskSpec& spec, char** environment, int stdout_fd, int stderr_fd,
                 std::optional<std::uint64_t> output_limit, Outcome& outcome);

/// Fills in how a process ended or stopped, from waitpid's status.
void set_ending(int wait_status, Outcome& outcome);

}  // namespace parrun
