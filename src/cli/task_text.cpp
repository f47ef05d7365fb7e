#include "cli/task_text.hpp"

#include <fmt/format.h>

#include "base/duration.hpp"
#include "base/size.hpp"
#include "exec/registry.hpp"
#include "parrun/errors.hpp"

namespace parrun {
namespace {

std::string settings_text(const TaskSpec& spec) {
  std::string text;
  const auto add = [&](const std::string& part) { text.append(text.empty() ? "" : ", ").append(part); };
  if (spec.timeout) add("timeout " + format_duration(*spec.timeout));
  if (spec.retries) add(fmt::format("retries {}", *spec.retries));
  if (spec.resources.memory_bytes) add("memory limit " + format_size(*spec.resources.memory_bytes));
  if (spec.resources.cpu) add("CPU limit " + format_duration(*spec.resources.cpu));
  if (spec.resources.output_bytes) add("output limit " + format_size(*spec.resources.output_bytes));
  if (spec.cost) add(fmt::format("cost {}", *spec.cost));
  for (const auto& [name, value] : spec.env) add(fmt::format("{}={}", name, quoted(value)));
  if (!spec.cwd.empty()) add("cwd " + quoted(spec.cwd));
  if (!spec.stdin_text.empty()) add(fmt::format("stdin {} bytes", spec.stdin_text.size()));
  return text;
}

}  // namespace

std::string shown_label(const TaskSpec& spec) {
  return spec.label.empty() ? "-" : shortened(escaped(spec.label), kLabelShown);
}

std::string quoted(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./:,=@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == word.npos) return word;
  std::string shown = "'";
  for (const char c : word) shown += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return shown + "'";
}

std::optional<std::string> arguments_to_json(const Call& call) {
  const Function* function = find_function(call.function);
  if (function == nullptr || function->arguments_to_json == nullptr) return std::nullopt;
  try {
    return function->arguments_to_json(call.arguments);
  } catch (const std::exception& error) {
    throw InputError(
        fmt::format("the arguments of '{}' do not fit the function of that name here ({}); pack "
                    "the batch again with this build",
                    call.function, error.what()));
  }
}

std::string work_text(const TaskSpec& spec, const ArgumentsToJson& convert) {
  if (const auto* shell = std::get_if<ShellCommand>(&spec.work)) return shell->line;
  if (const auto* command = std::get_if<ArgvCommand>(&spec.work)) {
    std::string line;
    for (const std::string& word : command->argv) line.append(line.empty() ? "" : " ").append(quoted(word));
    return line;
  }
  const auto& call = std::get<Call>(spec.work);
  const auto arguments = convert(call);
  if (!arguments) return call.function + unknown_arguments(call);
  // JSON's outer brackets become the call's parentheses.
  return fmt::format("{}({})", call.function, arguments->substr(1, arguments->size() - 2));
}

std::string logged_work(const TaskSpec& spec) {
  return work_text(spec, [](const Call& call) -> std::optional<std::string> {
    try {
      return arguments_to_json(call);
    } catch (...) {  // by a user's to_json, of whatever type
      return fmt::format("[{} bytes that cannot be shown here]", call.arguments.size());
    }
  });
}

std::string shown_work(const TaskSpec& spec, const ArgumentsToJson& convert) {
  const std::string settings = settings_text(spec);
  return escaped(work_text(spec, convert) + (settings.empty() ? "" : "  [" + settings + "]"));
}

}  // namespace parrun
