#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace parrun {

/// "1 task", "2 tasks".
std::string plural(std::uint64_t count, const char* noun);

/// Without control characters, which would break the line, or play with the terminal: `\n`, `\t`, `\x1b`.
std::string escaped(std::string_view text);

/// At most so many characters of it, the last three dots where it is longer. REQUIRES: most >= 3.
std::string shortened(std::string_view text, std::size_t most);

}  // namespace parrun
