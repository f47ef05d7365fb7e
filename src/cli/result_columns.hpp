#pragma once
// What `parrun results` shows of a row: the names are those of the run record and of --format jsonl.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "record/row.hpp"

namespace parrun {

struct Column {
  std::string_view name;
  nlohmann::ordered_json (*cell)(const record::Row&);  ///< null where there is nothing
  int width;                                           ///< in a table [characters]
  bool is_number = false;
  bool is_long_text = false;  ///< needs record::Texts::with
};
using Columns = std::vector<Column>;

/// All there are, those of the contract first, in its order.
const Columns& all_columns();
std::vector<std::string> column_names();

/// Those that are a CSV's, and a table's, where none are asked for.
const std::vector<std::string>& csv_columns();
const std::vector<std::string>& table_columns();

/// REQUIRES: each is one of column_names().
Columns find_columns(const std::vector<std::string>& names);

}  // namespace parrun
