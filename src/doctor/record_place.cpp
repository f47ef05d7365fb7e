#include "doctor/record_place.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "base/host.hpp"
#include "parrun/errors.hpp"
#include "record/record_file.hpp"

namespace parrun::doctor {
namespace {

namespace fs = std::filesystem;

fs::path folder_of(const fs::path& place) {
  std::error_code ignored;
  if (fs::is_directory(place, ignored)) return place;
  return place.has_parent_path() ? place.parent_path() : ".";
}

void remove_record(const std::string& path) {
  for (const char* suffix : {"", "-journal", "-wal", "-shm"}) ::unlink((path + suffix).c_str());
}

void try_record(const std::string& path, RecordPlace& seen) {
  try {
    record::RecordFile file({.path = path, .existing = record::OpenOptions::Existing::overwrite}, {});
    seen.locks = file.is_locked();
    seen.shared_memory = file.is_shared();
    file.end_run(0);
  } catch (const std::exception& error) {
    seen.problem = error.what();
  }
  remove_record(path);
}

}  // namespace

RecordPlace look_at_record(const std::string& place) {
  const fs::path folder = folder_of(place);
  RecordPlace seen{.path = place, .file_system = file_system_of(folder)};
  struct statvfs status {};
  if (statvfs(folder.c_str(), &status) == 0) seen.free_bytes = status.f_bavail * status.f_frsize;
  try_record(folder / fmt::format(".parrun-doctor-{}-{}.record", host_name(), getpid()), seen);
  return seen;
}

}  // namespace parrun::doctor
