#include "exec/scratch.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

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
  fs::remove_all(folder, error);
  if (!error) return;
  allow_removal(folder);
  fs::remove_all(folder, error);
}

}  // namespace parrun
