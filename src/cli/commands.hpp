#pragma once
#include <CLI/CLI.hpp>
#include <functional>

namespace parrun {

/// What the command line asks for; returns the exit code. InputError leaves it for run_program().
using Action = std::function<int()>;

// CLI11 hands a footer down to subcommands: each has to have its own.
inline constexpr const char* kReadersFooter =
    "Exit codes: 0 all was printed; 2 usage or unusable input; 3 internal error.";

// Each declares its options on `app` and sets `chosen` to its action where the command line asks for it.

/// The default command: its options are the program's own, and `chosen` is set from the start. `words`: the
/// command line.
void add_run(CLI::App& app, Action& chosen, const std::vector<std::string>& words);
void add_pack(CLI::App& app, Action& chosen);
void add_show(CLI::App& app, Action& chosen);
void add_results(CLI::App& app, Action& chosen);
void add_status(CLI::App& app, Action& chosen);
void add_doctor(CLI::App& app, Action& chosen);

}  // namespace parrun
