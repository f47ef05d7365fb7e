#pragma once
// Rows of the run record as lines of a table, of CSV, and of JSON. Pure.

#include <string>

#include "cli/result_columns.hpp"

namespace parrun {

/// For people: aligned, each cell in its column's width but the last one's, without control characters.
std::string table_header(const Columns& columns);
std::string table_line(const Columns& columns, const record::Row& row);

/// RFC 4180: CR LF ends a line, which a cell in quotes may hold too. What is no UTF-8 is replaced, as in
/// JSON.
std::string csv_header(const Columns& columns);
std::string csv_line(const Columns& columns, const record::Row& row);

/// An object of these columns, in their order.
std::string json_line(const Columns& columns, const record::Row& row);

}  // namespace parrun
