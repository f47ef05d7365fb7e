#include "report/printer.hpp"

#include <fmt/format.h>

#include "base/shown_text.hpp"
#include "core/outcome_json.hpp"

namespace parrun {
namespace {

using Json = nlohmann::ordered_json;

// The names and their order are a contract; what only some tasks have stands behind.
std::string json_line(const Outcome& outcome, const std::string& label) {
  Json object;
  object["task"] = outcome.task.get();
  object["label"] = label.empty() ? Json() : Json(label);
  add_attempt(object, outcome);
  object["stdout"] = outcome.stdout_text;
  object["stderr"] = outcome.stderr_text;
  object["value"] = outcome.value_is_json ? Json::parse(outcome.value, nullptr, false) : Json();
  if (!outcome.warning.empty()) object["warning"] = outcome.warning;
  for (const Outcome& earlier : outcome.earlier)
    add_attempt(object["earlier"].emplace_back(Json::object()), earlier);
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string name(const Outcome& outcome, const std::string& label) {
  constexpr std::size_t kLongestLabel = 80;
  if (label.empty()) return fmt::format("task {}", outcome.task.get());
  return fmt::format("task {} ({})", outcome.task.get(), shortened(escaped(label), kLongestLabel));
}

}  // namespace

Printed print(const Outcome& outcome, const std::string& label, Format format) {
  if (format == Format::jsonl) return {json_line(outcome, label), {}};
  Printed printed{outcome.stdout_text, outcome.stderr_text};
  if (!outcome.value_is_json) return printed;
  if (!printed.out.empty() && printed.out.back() != '\n') printed.out += '\n';
  printed.out += outcome.value + '\n';
  return printed;
}

std::string describe_failure(const Outcome& outcome, const std::string& label) {
  return fmt::format("{} {} on rank {} ({}): {}", name(outcome, label), to_string(outcome.state),
                     outcome.rank.get(), outcome.host, escaped(outcome.error));
}

std::string describe_warning(const Outcome& outcome, const std::string& label) {
  return fmt::format("{} on rank {} ({}): {}", name(outcome, label), outcome.rank.get(), outcome.host,
                     escaped(outcome.warning));
}

}  // namespace parrun
