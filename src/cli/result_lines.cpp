#include "cli/result_lines.hpp"

#include <fmt/format.h>

#include "cli/task_text.hpp"
#include "record/stored_text.hpp"

namespace parrun {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// Table.

std::string shown(const Json& cell) {
  if (cell.is_null()) return "-";
  if (cell.is_number_float()) return fmt::format("{:.3f}", cell.get<double>());
  if (!cell.is_string()) return escaped(dump(cell));
  const auto& text = cell.get_ref<const std::string&>();
  return text.empty() ? "-" : escaped(text);
}

// The last column ends where its text does.
template <typename CellOf>
std::string aligned(const Columns& columns, CellOf cell_of) {
  std::string line;
  for (const Column& column : columns) {
    const bool last = &column == &columns.back();
    if (&column != &columns.front()) line += "  ";
    std::string cell = cell_of(column);
    if (!last && !column.is_number) cell = shortened(cell, static_cast<std::size_t>(column.width));
    if (column.is_number) {
      line += fmt::format("{:>{}}", cell, column.width);
    } else {
      line += fmt::format("{:<{}}", cell, last ? 0 : column.width);
    }
  }
  return line + '\n';
}

// CSV.

std::string quoted_for_csv(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string csv_cell(const Json& cell) {
  if (cell.is_null()) return "";
  if (!cell.is_string()) return quoted_for_csv(dump(cell));
  const auto& text = cell.get_ref<const std::string&>();
  return quoted_for_csv(is_plain_text(text) ? text : Json::parse(dump(cell)).get<std::string>());
}

template <typename CellOf>
std::string separated(const Columns& columns, CellOf cell_of) {
  std::string line;
  for (const Column& column : columns) {
    line.append(&column == &columns.front() ? "" : ",").append(cell_of(column));
  }
  if (line.empty()) line = "\"\"";  // readers of CSV skip a line that holds nothing
  return line + "\r\n";
}

std::string name_of(const Column& column) { return std::string(column.name); }

}  // namespace

std::string table_header(const Columns& columns) { return aligned(columns, name_of); }

std::string table_line(const Columns& columns, const record::Row& row) {
  return aligned(columns, [&](const Column& column) { return shown(column.cell(row)); });
}

std::string csv_header(const Columns& columns) { return separated(columns, name_of); }

std::string csv_line(const Columns& columns, const record::Row& row) {
  return separated(columns, [&](const Column& column) { return csv_cell(column.cell(row)); });
}

std::string json_line(const Columns& columns, const record::Row& row) {
  Json object = Json::object();
  for (const Column& column : columns) object[std::string(column.name)] = column.cell(row);
  return dump(object) + '\n';
}

}  // namespace parrun
