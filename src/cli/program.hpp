#pragma once

namespace parrun {

/// Parses the command line, does what it asks for, and returns the exit code: 0 to 1 and above 2 the
/// command's own, 2 for what the user can mend (one line on stderr), 3 for an error inside.
int run_program(int argc, const char* const* argv);

}  // namespace parrun
