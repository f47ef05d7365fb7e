#pragma once

#include <string_view>

namespace parrun {

/// Every SQLite file begins so (https://www.sqlite.org/fileformat.html), and a NUL follows.
inline constexpr std::string_view kSqliteMagic = "SQLite format 3";

}  // namespace parrun
