#include "cli/task_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/duration.hpp"
#include "base/size.hpp"

namespace parrun {
namespace {

constexpr std::size_t kLongestLabel = 40;

// Control characters would break the line, or play with the terminal.
std::string escaped(const std::string& text) {
  std::string shown;
  for (const char c : text) {
    if (c == '\n') {
      shown += "\\n";
    } else if (c == '\t') {
      shown += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      shown += fmt::format("\\x{:02x}", c);
    } else {
      shown += c;
    }
  }
  return shown;
}

// As one could type it into a shell.
std::string quoted(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./:,=@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == word.npos) return word;
  std::string shown = "'";
  for (const char c : word) shown += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return shown + "'";
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

std::string settings_text(const TaskSpec& spec) {
  std::string text;
  const auto add = [&](const std::string& part) { text.append(text.empty() ? "" : ", ").append(part); };
  if (spec.timeout) add("timeout " + format_duration(*spec.timeout));
  if (spec.retries) add(fmt::format("retries {}", *spec.retries));
  if (spec.resources.memory_bytes) add("memory limit " + format_size(*spec.resources.memory_bytes));
  if (spec.resources.cpu) add("CPU limit " + format_duration(*spec.resources.cpu));
  if (spec.resources.output_bytes) add("output limit " + format_size(*spec.resources.output_bytes));
  for (const auto& [name, value] : spec.env) add(fmt::format("{}={}", name, quoted(value)));
  if (!spec.cwd.empty()) add("cwd " + quoted(spec.cwd));
  if (!spec.stdin_text.empty()) add(fmt::format("stdin {} bytes", spec.stdin_text.size()));
  return text;
}

}  // namespace

std::string shown_label(const TaskSpec& spec) {
  if (spec.label.empty()) return "-";
  if (spec.label.size() <= kLongestLabel) return escaped(spec.label);
  return escaped(spec.label.substr(0, kLongestLabel - 3)) + "...";
}

std::string shown_work(const TaskSpec& spec, const ArgumentsToJson& convert) {
  const std::string settings = settings_text(spec);
  return escaped(work_text(spec, convert) + (settings.empty() ? "" : "  [" + settings + "]"));
}

}  // namespace parrun
