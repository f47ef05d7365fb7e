#pragma once
// How a job of our own is started in the place where this one runs. Pure, but for is_in_path().

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "doctor/examined.hpp"

namespace parrun::doctor {

/// What started the ranks, as it shows in their environment before MPI_Init. `variable`: getenv(3).
Launcher launcher_of(const std::function<const char*(const char*)>& variable);

/// MPI's ranks that wait were told to let others have their core. `variable`: getenv(3).
bool yields_when_idle(const std::function<const char*(const char*)>& variable);

/// A program of that name is found where the shell looks for it.
bool is_in_path(const std::string& program);

/// Hosts with the number of their ranks; rank 0's host is the first.
using Layout = std::vector<std::pair<std::string, int>>;
Layout layout(const Examined& seen);

/// The command line that starts `program` so.
std::vector<std::string> launch_line(Launcher launcher, const Layout& layout,
                                     const std::vector<std::string>& program);

/// Of the variables of MPI's launchers (`environment` ends with a null pointer), those that the user has set:
/// a job of our own gets these, and none that would make its ranks join this one.
std::vector<std::pair<std::string, std::string>> users_settings(const char* const* environment);

}  // namespace parrun::doctor
