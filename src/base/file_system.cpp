#include "base/file_system.hpp"

#include <fmt/format.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

namespace parrun {
namespace {

struct Known {
  std::uint64_t type;
  const char* name;
  bool shared;
};

// From linux/magic.h, and from the sources of those that are not in it.
constexpr std::array kKnown = {Known{0xEF53, "ext4", false},         Known{0x58465342, "xfs", false},
                               Known{0x9123683E, "btrfs", false},    Known{0x2FC12FC1, "zfs", false},
                               Known{0xF2F52010, "f2fs", false},     Known{0x01021994, "tmpfs", false},
                               Known{0x858458F6, "ramfs", false},    Known{0x794C7630, "overlay", false},
                               Known{0x73717368, "squashfs", false}, Known{0x6969, "nfs", true},
                               Known{0x0BD00BD0, "lustre", true},    Known{0x47504653, "gpfs", true},
                               Known{0x19830326, "beegfs", true},    Known{0x00C36400, "ceph", true},
                               Known{0x20030528, "orangefs", true},  Known{0xAAD7AAEA, "panfs", true},
                               Known{0xFF534D42, "cifs", true},      Known{0xFE534D42, "smb", true},
                               Known{0x517B, "smb", true},           Known{0x5346414F, "afs", true},
                               Known{0x01021997, "9p", true},        Known{0x01161970, "gfs2", true},
                               Known{0x7461636F, "ocfs2", true},     Known{0x65735546, "fuse", true}};

}  // namespace

FileSystem file_system_of_type(std::uint64_t type) {
  const auto* const found =
      std::find_if(kKnown.begin(), kKnown.end(), [type](const Known& known) { return known.type == type; });
  if (found == kKnown.end()) return {.name = fmt::format("type {:#x}", type), .shared = true};
  return {.name = found->name, .shared = found->shared};
}

std::optional<FileSystem> file_system_of(const std::string& path) {
  constexpr std::uint64_t kTypeBits = 0xFFFFFFFF;  // f_type is signed, and some of the numbers do not fit
  std::error_code ignored;
  std::filesystem::path folder = std::filesystem::absolute(path, ignored);
  struct statfs status {};
  while (statfs(folder.c_str(), &status) != 0) {
    if ((errno != ENOENT && errno != ENOTDIR) || folder == folder.parent_path()) return std::nullopt;
    folder = folder.parent_path();
  }
  return file_system_of_type(static_cast<std::uint64_t>(status.f_type) & kTypeBits);
}

std::filesystem::path link_target(std::filesystem::path path) {
  constexpr int kMostLinks = 40;  // as many as Linux follows
  std::error_code none;
  for (int link = 0; link < kMostLinks && std::filesystem::is_symlink(path, none); ++link)
    path = path.parent_path() / std::filesystem::read_symlink(path, none);
  return path;
}

}  // namespace parrun
