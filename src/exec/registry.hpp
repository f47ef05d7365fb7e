#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "parrun/function.hpp"

namespace parrun {

using Function = detail::Function;

/// A registered function by its name, or null.
const Function* find_function(std::string_view name);

/// Of all registered functions, sorted.
std::vector<std::string> registered_names();

/// One line for each registered function, sorted: its name, kNameEnd, its signature and the build that holds
/// it. Two ranks with equal fingerprints execute the same code.
std::vector<std::string> registry_fingerprint();

/// In a fingerprint's line: names hold anything else, blanks too, but they are C strings.
inline constexpr char kNameEnd = '\0';

/// What makes the registry useless: one name for two functions. Empty where all is well.
std::string registry_problem();

/// Loads a module whose PARRUN_TASKs register themselves. Throws InputError: which file, what is wrong.
void load_module(const std::string& path);

/// A type's name as written in source.
std::string demangled(const char* name);

}  // namespace parrun
