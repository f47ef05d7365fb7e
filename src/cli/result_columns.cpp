#include "cli/result_columns.hpp"

#include <algorithm>

#include "core/outcome_json.hpp"

namespace parrun {
namespace {

using Json = nlohmann::ordered_json;
using record::Row;

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json value_of(const Row& row) {
  return row.outcome.value_is_json ? Json::parse(row.outcome.value, nullptr, false) : Json();
}

Json earlier_of(const Row& row) {
  return row.outcome.earlier.empty() ? Json() : Json::parse(earlier_to_json(row.outcome.earlier));
}

}  // namespace

const Columns& all_columns() {
  static const Columns kColumns{
      {"task", [](const Row& row) { return Json(row.outcome.task.get()); }, 8, true},
      {"label", [](const Row& row) { return text_or_null(row.label); }, 20},
      {"state", [](const Row& row) { return Json(to_string(row.outcome.state)); }, 9},
      {"attempt", [](const Row& row) { return Json(row.outcome.attempt); }, 7, true},
      {"rank", [](const Row& row) { return Json(row.outcome.rank.get()); }, 5, true},
      {"host", [](const Row& row) { return Json(row.outcome.host); }, 16},
      {"started", [](const Row& row) { return Json(row.outcome.started_s); }, 14, true},
      {"elapsed_s", [](const Row& row) { return Json(row.outcome.elapsed_s); }, 10, true},
      {"user_s", [](const Row& row) { return Json(row.outcome.user_s); }, 10, true},
      {"system_s", [](const Row& row) { return Json(row.outcome.system_s); }, 10, true},
      {"max_rss_kb", [](const Row& row) { return Json(row.outcome.max_rss_kb); }, 10, true},
      {"exit_code", [](const Row& row) { return Json(row.outcome.exit_code); }, 9, true},
      {"signal", [](const Row& row) { return Json(row.outcome.signal); }, 6, true},
      {"error", [](const Row& row) { return text_or_null(row.outcome.error); }, 40},
      {"stdout", [](const Row& row) { return Json(row.outcome.stdout_text); }, 40, false, true},
      {"stderr", [](const Row& row) { return Json(row.outcome.stderr_text); }, 40, false, true},
      {"value", value_of, 40, false, true},
      {"warning", [](const Row& row) { return text_or_null(row.outcome.warning); }, 40},
      {"earlier", earlier_of, 40},
      {"error_type", [](const Row& row) { return text_or_null(row.outcome.error_type); }, 20},
      {"run", [](const Row& row) { return Json(row.run); }, 4, true}};
  return kColumns;
}

std::vector<std::string> column_names() {
  std::vector<std::string> names;
  for (const Column& column : all_columns()) names.emplace_back(column.name);
  return names;
}

const std::vector<std::string>& csv_columns() {
  static const std::vector<std::string> kNames{
      "task",     "label",      "state",     "attempt", "rank",  "host",   "started", "elapsed_s", "user_s",
      "system_s", "max_rss_kb", "exit_code", "signal",  "error", "stdout", "stderr",  "value"};
  return kNames;
}

const std::vector<std::string>& table_columns() {
  static const std::vector<std::string> kNames{"task", "label",     "state",     "attempt", "rank",
                                               "host", "elapsed_s", "exit_code", "error"};
  return kNames;
}

Columns find_columns(const std::vector<std::string>& names) {
  Columns found;
  for (const std::string& name : names) {
    found.push_back(*std::find_if(all_columns().begin(), all_columns().end(),
                                  [&](const Column& column) { return column.name == name; }));
  }
  return found;
}

}  // namespace parrun
