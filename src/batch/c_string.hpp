#pragma once

#include <string_view>

namespace parrun {

/// What a command is given goes through execve(2). Throws InputError where `text`, which is `what`, holds a
/// NUL or is longer than that takes in one word.
void require_c_string(std::string_view text, std::string_view what);

}  // namespace parrun
