#include "report/printer.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace parrun {
namespace {

// The fields of DESIGN's contract, in its order.
std::string json_line(const Outcome& outcome, const TaskHead& task) {
  using Json = nlohmann::ordered_json;
  Json object;
  object["task"] = outcome.task.get();
  object["label"] = task.label.empty() ? Json() : Json(task.label);
  object["state"] = to_string(outcome.state);
  object["attempt"] = outcome.attempt;
  object["rank"] = outcome.rank.get();
  object["host"] = outcome.host;
  object["started"] = outcome.started_s;
  object["elapsed_s"] = outcome.elapsed_s;
  object["exit_code"] = outcome.exit_code;
  object["signal"] = outcome.signal;
  object["error"] = outcome.error.empty() ? Json() : Json(outcome.error);
  object["stdout"] = outcome.stdout_text;
  object["stderr"] = outcome.stderr_text;
  object["value"] = outcome.value_is_json ? Json::parse(outcome.value, nullptr, false) : Json();
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace

Printed print(const Outcome& outcome, const TaskHead& task, Format format) {
  if (format == Format::jsonl) return {json_line(outcome, task), {}};
  Printed printed{outcome.stdout_text, outcome.stderr_text};
  if (outcome.value_is_json) printed.out += outcome.value + '\n';
  return printed;
}

std::string describe_failure(const Outcome& outcome, const TaskHead& task) {
  const std::string label = task.label.empty() ? "" : fmt::format(" ({})", task.label);
  return fmt::format("task {}{} {} on rank {} ({}): {}", outcome.task.get(), label, to_string(outcome.state),
                     outcome.rank.get(), outcome.host, outcome.error);
}

}  // namespace parrun
