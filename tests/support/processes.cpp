#include "support/processes.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <system_error>

#include "support/wait_until.hpp"

namespace parrun::test {
namespace {

// Empty where the process has gone or is a zombie. Streams report a read error as the end.
std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();  // an iterator over the buffer would throw where the process ends meanwhile
  return text.str();
}

std::optional<int> to_int(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// `environment` is a sequence of NAME=VALUE, each ended by a zero byte.
std::optional<std::string_view> find_entry(std::string_view environment, std::string_view prefix) {
  while (!environment.empty()) {
    const std::string_view entry = environment.substr(0, environment.find('\0'));
    if (entry.starts_with(prefix)) return entry;
    environment.remove_prefix(std::min(entry.size() + 1, environment.size()));
  }
  return std::nullopt;
}

// stat is "PID (NAME) STATE PARENT ..."; a name may itself hold blanks and parentheses.
bool read_stat(const std::string& stat, Process& process) {
  const std::size_t open = stat.find('(');
  const std::size_t close = stat.rfind(')');
  if (open == stat.npos || close == stat.npos) return false;
  process.name = stat.substr(open + 1, close - open - 1);
  std::istringstream rest(stat.substr(close + 1));
  return static_cast<bool>(rest >> process.state >> process.parent);
}

std::optional<Process> inspect(const std::filesystem::path& folder, std::string_view variable) {
  const std::string environment = slurp(folder / "environ");
  if (find_entry(environment, variable) != variable) return std::nullopt;
  Process process;
  process.pid = to_int(folder.filename().string()).value_or(0);
  if (!read_stat(slurp(folder / "stat"), process)) return std::nullopt;
  if (process.state == 'Z' || process.state == 'X') return std::nullopt;
  process.command = slurp(folder / "cmdline");
  std::replace(process.command.begin(), process.command.end(), '\0', ' ');
  constexpr std::string_view kRank = "OMPI_COMM_WORLD_RANK=";
  if (const auto entry = find_entry(environment, kRank)) {
    process.rank = to_int(entry->substr(kRank.size())).value_or(-1);
  }
  return process;
}

}  // namespace

std::vector<Process> processes_with(std::string_view variable) {
  std::vector<Process> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto pid = to_int(entry.path().filename().string());
    if (!pid || *pid == ::getpid()) continue;
    if (auto process = inspect(entry.path(), variable)) found.push_back(std::move(*process));
  }
  return found;
}

std::string describe(const std::vector<Process>& processes) {
  std::ostringstream text;
  for (const Process& process : processes) {
    text << "  " << process.pid << " (parent " << process.parent << ", state " << process.state;
    if (process.rank >= 0) text << ", rank " << process.rank;
    text << ") " << process.name << ": " << process.command.substr(0, 200) << '\n';
  }
  return text.str();
}

std::vector<Process> kill_all_with(std::string_view variable) {
  std::vector<Process> left;
  const auto none_left = [&] {
    left = processes_with(variable);
    for (const Process& process : left) ::kill(process.pid, SIGKILL);
    return left.empty();
  };
  wait_until(none_left, 10s);
  return left;
}

}  // namespace parrun::test
