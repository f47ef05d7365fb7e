#include "exec/plain_words.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace parrun {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,+@%-";

// Of dash and bash, and the words of their grammar; in order.
constexpr auto kShellsOwn = std::to_array<std::string_view>(
    {".",         ":",        "alias",   "bg",      "bind",     "break",   "builtin",  "caller",  "case",
     "cd",        "chdir",    "command", "compgen", "complete", "compopt", "continue", "coproc",  "declare",
     "dirs",      "disown",   "do",      "done",    "echo",     "elif",    "else",     "enable",  "esac",
     "eval",      "exec",     "exit",    "export",  "false",    "fc",      "fg",       "fi",      "for",
     "function",  "getopts",  "hash",    "help",    "history",  "if",      "in",       "jobs",    "kill",
     "let",       "local",    "logout",  "mapfile", "popd",     "printf",  "pushd",    "pwd",     "read",
     "readarray", "readonly", "return",  "select",  "set",      "shift",   "shopt",    "source",  "suspend",
     "test",      "then",     "time",    "times",   "trap",     "true",    "type",     "typeset", "ulimit",
     "umask",     "unalias",  "unset",   "until",   "wait",     "while"});
static_assert(std::ranges::is_sorted(kShellsOwn));

bool is_function(std::string_view name, const char* const* environment) {
  constexpr std::string_view kPrefix = "BASH_FUNC_";
  for (; *environment != nullptr; ++environment) {
    std::string_view variable(*environment);
    if (!variable.starts_with(kPrefix)) continue;
    variable.remove_prefix(kPrefix.size());
    if (variable.starts_with(name) && variable.substr(name.size()).starts_with("%%=")) return true;
  }
  return false;
}

}  // namespace

std::optional<std::vector<std::string>> plain_words(std::string_view line, const char* const* environment) {
  std::vector<std::string> words;
  for (std::size_t at = 0; (at = line.find_first_not_of(kBlanks, at)) != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
    words.emplace_back(line.substr(at, end - at));
    if (words.back().find_first_not_of(kPlain) != std::string::npos) return std::nullopt;
    at = end;
  }
  if (words.empty() || std::ranges::binary_search(kShellsOwn, words.front())) return std::nullopt;
  if (is_function(words.front(), environment)) return std::nullopt;
  return words;
}

}  // namespace parrun
