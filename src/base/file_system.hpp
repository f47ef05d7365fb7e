#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace parrun {

struct FileSystem {
  std::string name;  ///< as mount(8) calls its type, or its number where it is not known here
  bool shared;       ///< other hosts may have the same files; false: it is surely this host's alone
};

/// By the type that statfs(2) tells. What is not known, and FUSE, behind which may be anything, may be
/// shared.
FileSystem file_system_of_type(std::uint64_t type);

/// Of the file or folder, or of the nearest folder above it that exists. None where that cannot be told.
std::optional<FileSystem> file_system_of(const std::string& path);

/// Where a symbolic link leads, also where nothing is there yet; of what is none, itself.
std::filesystem::path link_target(std::filesystem::path path);

}  // namespace parrun
