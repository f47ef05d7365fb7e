#include "doctor/group_limits.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace parrun::doctor {
namespace {

namespace fs = std::filesystem;

// Version 1 has numbers near 2^63 for "none".
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 60;

// A line is ID:CONTROLLERS:PATH; version 2 has one, with ID 0 and no controllers.
std::string group_of(const std::string& groups, const std::string& controller) {
  std::istringstream lines(groups);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controllers.find("," + controller + ",") != controllers.npos) return line.substr(second + 1);
  }
  return {};
}

std::uint64_t limit_in(const fs::path& file) {
  std::uint64_t limit = 0;
  std::ifstream in(file);
  return in >> limit && limit < kNoLimit ? limit : 0;  // "max" is no number
}

// Within a container the path may be one of the host's, which is not to be seen here: then the root counts.
std::uint64_t smallest(const fs::path& mount, const std::string& group, const char* file) {
  std::uint64_t least = limit_in(mount / file);
  fs::path folder = mount;
  for (const fs::path& part : fs::path(group).relative_path()) {
    folder /= part;
    const std::uint64_t limit = limit_in(folder / file);
    if (limit > 0 && (least == 0 || limit < least)) least = limit;
  }
  return least;
}

}  // namespace

GroupLimits group_limits(const std::string& groups, const std::string& mount) {
  const fs::path root = mount;
  if (const std::string unified = group_of(groups, ""); fs::exists(root / "cgroup.controllers")) {
    return {smallest(root, unified, "memory.max"), smallest(root, unified, "pids.max")};
  }
  return {smallest(root / "memory", group_of(groups, "memory"), "memory.limit_in_bytes"),
          smallest(root / "pids", group_of(groups, "pids"), "pids.max")};
}

GroupLimits own_group_limits() {
  std::ifstream in("/proc/self/cgroup");
  const std::string groups{std::istreambuf_iterator<char>(in), {}};
  return group_limits(groups, "/sys/fs/cgroup");
}

}  // namespace parrun::doctor
