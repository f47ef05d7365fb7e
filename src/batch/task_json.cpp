#include "batch/task_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/duration.hpp"
#include "base/size.hpp"
#include "batch/c_string.hpp"
#include "parrun/errors.hpp"

namespace parrun {
namespace {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

constexpr int kDeepest = 200;  // nesting: printing JSON recurses

[[noreturn]] void wrong_type(std::string_view key, const char* wanted) {
  throw InputError(fmt::format("\"{}\" must be {}", key, wanted));
}

Json parse_object(std::string_view text) {
  std::size_t keys = 0;
  const auto watch = [&](int depth, Json::parse_event_t event, const Json& /*parsed*/) {
    if (depth > kDeepest) throw InputError(fmt::format("nested more than {} deep; flatten it", kDeepest));
    if (depth == 1 && event == Json::parse_event_t::key) ++keys;
    return true;
  };
  try {
    Json json = Json::parse(text, watch);
    if (!json.is_object()) throw InputError(R"(no JSON object; write {"command": "..."} or the like)");
    if (json.size() != keys) throw InputError("a key stands there twice; keep one of them");
    return json;
  } catch (const Json::parse_error& error) {
    throw InputError(
        fmt::format("no JSON (wrong at character {}); write one JSON object in a line", error.byte));
  } catch (const Json::out_of_range&) {
    throw InputError("no JSON (a number is out of range); write a smaller one");
  }
}

const std::string& string_of(const Json& value, std::string_view key) {
  if (!value.is_string()) wrong_type(key, "a string");
  return value.get_ref<const std::string&>();
}

// For what goes to the system as a C string.
const std::string& c_string_of(const Json& value, std::string_view key) {
  const std::string& text = string_of(value, key);
  require_c_string(text, fmt::format("\"{}\"", key));
  return text;
}

std::string filled_string_of(const Json& value, std::string_view key) {
  const std::string& text = c_string_of(value, key);
  if (text.empty()) throw InputError(fmt::format("\"{}\" is empty; fill it in, or leave it out", key));
  return text;
}

std::vector<std::string> argv_of(const Json& value) {
  if (!value.is_array() || value.empty()) wrong_type("argv", "an array of strings, the program first");
  std::vector<std::string> argv;
  for (const Json& argument : value)
    argv.push_back(c_string_of(argument, fmt::format("argv[{}]", argv.size())));
  if (argv.front().empty()) throw InputError("\"argv\" names no program; put it first");
  return argv;
}

// What `parse` makes of the text; its InputError then names the key.
template <typename Parse>
auto parsed(const std::string& text, std::string_view key, Parse parse) {
  try {
    return parse(text);
  } catch (const InputError& error) {
    throw InputError(fmt::format("\"{}\": {}", key, error.what()));
  }
}

std::uint64_t size_of(const Json& value, std::string_view key) {
  if (value.is_string()) return parsed(value.get_ref<const std::string&>(), key, parse_size);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() == 0)
    wrong_type(key, "a number of bytes above 0 or a size like \"512M\"");
  return value.get<std::uint64_t>();
}

// Without an exponent, which a duration does not have.
std::string decimal(double seconds) {
  std::string text = fmt::format("{}", seconds);
  if (text.find('e') == text.npos) return text;
  text = fmt::format("{:.20f}", seconds);
  text.erase(std::max(text.find_last_not_of('0'), text.find('.') + 1) + 1);
  return text;
}

Duration duration_of(const Json& value, std::string_view key) {
  if (value.is_string()) return parsed(value.get_ref<const std::string&>(), key, parse_duration);
  if (!value.is_number()) wrong_type(key, "a number of seconds or a duration like \"1h30m\"");
  const auto seconds = value.get<double>();
  parsed(decimal(seconds), key, parse_duration);  // its bounds
  return Duration(std::llround(seconds * 1e9));   // exact for what task_to_json wrote, up to 26 days
}

double cost_of(const Json& value) {
  if (!value.is_number() || value.get<double>() < 0) wrong_type("cost", "a number, 0 or above");
  return value.get<double>();
}

int retries_of(const Json& value) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > std::numeric_limits<std::int32_t>::max()) {
    wrong_type("retries", "a whole number, 0 or above");
  }
  return value.get<int>();
}

decltype(TaskSpec::env) env_of(const Json& value) {
  if (!value.is_object()) wrong_type("env", "an object of strings");
  decltype(TaskSpec::env) env;
  for (const auto& [name, text] : value.items()) {
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != name.npos) {
      throw InputError(fmt::format("\"env\" names '{}', which cannot be a variable; rename it", name));
    }
    env.emplace_back(name, c_string_of(text, "env." + name));
  }
  return env;
}

Call call_of(const Json& json, const ArgumentsFromJson& convert) {
  if (json.contains("stdin")) throw InputError("\"stdin\" is for commands, not for a call; remove it");
  Call call{filled_string_of(json.at("call"), "call"), {}};
  const auto args = json.find("args");
  if (args != json.end() && !args->is_array()) wrong_type("args", "an array, one element an argument");
  call.arguments = convert(call.function, args == json.end() ? "[]" : args->dump());
  return call;
}

// Exactly one of the three kinds of work.
decltype(TaskSpec::work) work_of(const Json& json, const ArgumentsFromJson& convert) {
  const std::size_t kinds = json.count("command") + json.count("argv") + json.count("call");
  if (kinds == 0) throw InputError(R"(no work in it; give one of "command", "argv", "call")");
  if (kinds > 1)
    throw InputError(R"(more than one kind of work in it; keep one of "command", "argv", "call")");
  if (json.contains("call")) return call_of(json, convert);
  if (json.contains("args")) throw InputError(R"("args" belongs to "call"; put a command's into "argv")");
  if (json.contains("argv")) return ArgvCommand{argv_of(json["argv"])};
  return ShellCommand{filled_string_of(json["command"], "command")};
}

void read_setting(TaskSpec& spec, const std::string& key, const Json& value) {
  if (key == "label")
    spec.label = string_of(value, key);
  else if (key == "timeout")
    spec.timeout = duration_of(value, key);
  else if (key == "cpu_limit")
    spec.resources.cpu = duration_of(value, key);
  else if (key == "memory_limit")
    spec.resources.memory_bytes = size_of(value, key);
  else if (key == "output_limit")
    spec.resources.output_bytes = size_of(value, key);
  else if (key == "retries")
    spec.retries = retries_of(value);
  else if (key == "cost")
    spec.cost = cost_of(value);
  else if (key == "env")
    spec.env = env_of(value);
  else if (key == "cwd")
    spec.cwd = filled_string_of(value, key);
  else if (key == "stdin")
    spec.stdin_text = string_of(value, key);
  else if (key != "command" && key != "argv" && key != "call" && key != "args") {
    throw InputError(fmt::format(
        "unknown key \"{}\"; known are command, argv, call, args, label, timeout, retries, memory_limit, "
        "cpu_limit, output_limit, cost, env, cwd, stdin",
        key));
  }
}

OrderedJson work_to_json(const TaskSpec& spec, const ArgumentsToJson& convert) {
  if (const auto* shell = std::get_if<ShellCommand>(&spec.work)) return {{"command", shell->line}};
  if (const auto* command = std::get_if<ArgvCommand>(&spec.work)) return {{"argv", command->argv}};
  const auto& call = std::get<Call>(spec.work);
  const auto arguments = convert(call);
  return {{"call", call.function},
          {"args", arguments ? OrderedJson::parse(*arguments) : OrderedJson(unknown_arguments(call))}};
}

}  // namespace

TaskSpec task_from_json(std::string_view text, const ArgumentsFromJson& convert) {
  const Json json = parse_object(text);
  TaskSpec spec;
  for (const auto& [key, value] : json.items()) read_setting(spec, key, value);
  spec.work = work_of(json, convert);
  return spec;
}

std::string task_to_json(const TaskSpec& spec, const ArgumentsToJson& convert) {
  OrderedJson json = work_to_json(spec, convert);
  if (!spec.label.empty()) json["label"] = spec.label;
  if (spec.timeout) json["timeout"] = to_seconds(*spec.timeout);
  if (spec.retries) json["retries"] = *spec.retries;
  if (spec.resources.memory_bytes) json["memory_limit"] = *spec.resources.memory_bytes;
  if (spec.resources.cpu) json["cpu_limit"] = to_seconds(*spec.resources.cpu);
  if (spec.resources.output_bytes) json["output_limit"] = *spec.resources.output_bytes;
  if (spec.cost) json["cost"] = *spec.cost;
  for (const auto& [name, value] : spec.env) json["env"][name] = value;
  if (!spec.cwd.empty()) json["cwd"] = spec.cwd;
  if (!spec.stdin_text.empty()) json["stdin"] = spec.stdin_text;
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

std::string unknown_arguments(const Call& call) {
  return fmt::format("({} bytes; --load its module to see them)", call.arguments.size());
}

}  // namespace parrun
