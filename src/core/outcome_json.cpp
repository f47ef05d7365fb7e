#include "core/outcome_json.hpp"

#include <fmt/format.h>

#include "core/outcome.hpp"

namespace parrun {
namespace {

using Json = nlohmann::ordered_json;

State state_of(const std::string& name) {
  const std::optional<State> state = parse_state(name);
  if (!state) throw FormatError(fmt::format("'{}' is no state of a task", name));
  return *state;
}

Outcome attempt_from_json(TaskId task, const Json& object) {
  Outcome outcome;
  outcome.task = task;
  outcome.state = state_of(object.at("state").get<std::string>());
  outcome.attempt = object.at("attempt").get<int>();
  outcome.rank = Rank(object.at("rank").get<int>());
  outcome.host = object.at("host").get<std::string>();
  outcome.started_s = object.at("started").get<double>();
  outcome.elapsed_s = object.at("elapsed_s").get<double>();
  outcome.user_s = object.at("user_s").get<double>();
  outcome.system_s = object.at("system_s").get<double>();
  outcome.max_rss_kb = object.at("max_rss_kb").get<std::int64_t>();
  outcome.exit_code = object.at("exit_code").get<int>();
  outcome.signal = object.at("signal").get<int>();
  if (const Json& error = object.at("error"); !error.is_null()) outcome.error = error.get<std::string>();
  return outcome;
}

}  // namespace

void add_attempt(Json& object, const Outcome& outcome) {
  object["state"] = to_string(outcome.state);
  object["attempt"] = outcome.attempt;
  object["rank"] = outcome.rank.get();
  object["host"] = outcome.host;
  object["started"] = outcome.started_s;
  object["elapsed_s"] = outcome.elapsed_s;
  object["user_s"] = outcome.user_s;
  object["system_s"] = outcome.system_s;
  object["max_rss_kb"] = outcome.max_rss_kb;
  object["exit_code"] = outcome.exit_code;
  object["signal"] = outcome.signal;
  object["error"] = outcome.error.empty() ? Json() : Json(outcome.error);
}

std::string earlier_to_json(const std::vector<Outcome>& earlier) {
  if (earlier.empty()) return {};
  Json array = Json::array();
  for (const Outcome& one : earlier) add_attempt(array.emplace_back(Json::object()), one);
  return array.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<Outcome> earlier_from_json(TaskId task, std::string_view json) try {
  std::vector<Outcome> earlier;
  if (json.empty()) return earlier;
  for (const Json& object : Json::parse(json)) earlier.push_back(attempt_from_json(task, object));
  return earlier;
} catch (const Json::exception& error) {
  throw FormatError(
      fmt::format("the earlier attempts of task {} cannot be read: {}", task.get(), error.what()));
}

}  // namespace parrun
