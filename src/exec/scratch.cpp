#include "exec/scratch.hpp"

#include <fmt/format.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/host.hpp"

namespace parrun {
namespace fs = std::filesystem;
namespace {

// A task may have taken the rights that removing needs from its own folders.
void allow_removal(const fs::path& folder) {
  std::error_code ignored;
  fs::permissions(folder, fs::perms::owner_all, fs::perm_options::add, ignored);
  // Its ++ would throw where the file system does not answer any more.
  for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
    if (entry->is_directory(ignored) && !entry->is_symlink(ignored)) allow_removal(entry->path());
  }
}

// As /proc writes a path: a blank is \040.
std::string unescaped(std::string_view text) {
  constexpr std::size_t kDigits = 3;
  std::string path;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + kDigits >= text.size()) {
      path += text[i];
      continue;
    }
    path += static_cast<char>(std::stoi(std::string(text.substr(i + 1, kDigits)), nullptr, 8));
    i += kDigits;
  }
  return path;
}

// Where something is mounted in `folder`, or on it; what was mounted last comes first.
std::vector<std::string> mounts_in(const std::string& folder) {
  constexpr int kBefore = 4;  // fields, see proc(5)
  std::vector<std::string> mounts;
  std::ifstream table("/proc/self/mountinfo");
  for (std::string line; std::getline(table, line);) {
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i <= kBefore; ++i) fields >> field;
    const std::string point = unescaped(field);
    if (point == folder || point.starts_with(folder + '/')) mounts.push_back(point);
  }
  std::reverse(mounts.begin(), mounts.end());
  return mounts;
}

// What a task has mounted in its folder is not to be removed with it: it is elsewhere too. REQUIRES: `folder`
// is no link.
bool unmount_in(const fs::path& folder) {
  std::error_code error;
  const fs::path real = fs::canonical(folder, error);
  if (error) return false;
  const std::vector<std::string> mounts = mounts_in(real.string());
  return std::all_of(mounts.begin(), mounts.end(), [](const std::string& point) {
    return umount2(point.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0;
  });
}

}  // namespace

// Made and removed again, not asked for: rights, a full disk and a read-only one are all found thus.
std::string why_no_folders(const std::string& root) {
  std::error_code ignored;
  fs::path there = fs::absolute(root).lexically_normal();
  while (fs::symlink_status(there, ignored).type() == fs::file_type::not_found && there.has_relative_path())
    there = there.parent_path();
  std::string folder = (there / ".parrun-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) {
    return fmt::format("no folder can be made in {}: {}", there.string(), std::strerror(errno));
  }
  ::rmdir(folder.c_str());
  return {};
}

Scratch::Scratch(const std::string& root, bool keep_failed)
    : prefix_(fs::absolute(root).string()),
      owner_(fmt::format("{}.{}", host_name(), getpid())),
      keep_failed_(keep_failed) {}

std::string Scratch::path(const Assignment& attempt) const {
  return fmt::format("{}/task-{}.{}@{}", prefix_, attempt.task.get(), attempt.attempt, owner_);
}

std::string Scratch::make(const Assignment& attempt) const {
  std::string folder = path(attempt);
  fs::create_directories(prefix_);
  if (!fs::create_directory(folder)) {
    throw std::system_error(EEXIST, std::generic_category(), "a folder for the attempt, " + folder);
  }
  return folder;
}

void Scratch::remove(const Assignment& attempt) const {
  std::error_code error;
  const std::string folder = path(attempt);
  if (!fs::is_directory(fs::symlink_status(folder, error))) {  // where a link leads to is not ours
    fs::remove(folder, error);
    return;
  }
  if (!unmount_in(folder)) return;
  fs::remove_all(folder, error);
  if (!error) return;
  allow_removal(folder);
  fs::remove_all(folder, error);
}

}  // namespace parrun
