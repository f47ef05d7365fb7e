#include "base/process_stat.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace parrun {

// "PID (NAME) STATE PPID ...", where the name may hold anything.
std::optional<ProcessStat> ProcessStat::read(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  const std::size_t begin = line.find('(');
  const std::size_t end = line.rfind(')');
  if (begin == line.npos || end == line.npos) return std::nullopt;
  ProcessStat stat;
  stat.name_ = line.substr(begin + 1, end - begin - 1);
  std::istringstream rest(line.substr(end + 1));
  stat.fields_.resize(kLast - kFirst + 1);
  for (std::string& field : stat.fields_) rest >> field;
  return rest ? std::optional(std::move(stat)) : std::nullopt;
}

std::optional<ProcessStat> ProcessStat::of(pid_t pid) { return read(fmt::format("/proc/{}/stat", pid)); }

std::optional<ProcessStat> ProcessStat::of_main_thread() {
  return read(fmt::format("/proc/self/task/{}/stat", getpid()));
}

long long ProcessStat::number(std::size_t field) const {
  return std::strtoll(text(field).c_str(), nullptr, 10);
}

}  // namespace parrun
