#pragma once
// A command line that a shell would only split at its blanks needs no shell: that spares its start, which
// costs as much as that of the program itself. GNU make does the same.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace parrun {

/// The words of a line that means the same to every shell: a program, which is no builtin and no keyword of
/// one, and arguments without any character that a shell might take for its own. None for all others.
/// `environment` ends with a null pointer; bash takes functions from it.
std::optional<std::vector<std::string>> plain_words(std::string_view line, const char* const* environment);

}  // namespace parrun
