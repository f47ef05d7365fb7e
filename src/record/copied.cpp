#include "record/copied.hpp"

#include <fmt/format.h>
#include <stdlib.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "parrun/errors.hpp"

namespace parrun::record {
namespace {

namespace fs = std::filesystem;

// A writer that begins its log anew during each of them writes many thousands of rows a second.
constexpr int kTries = 20;

// Of this user alone, for what a record holds is not everybody's.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_((fs::temp_directory_path() / "parrun-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr)
      throw fs::filesystem_error("cannot make a folder", path_, {errno, std::generic_category()});
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path file(const std::string& name) const { return fs::path(path_) / name; }

 private:
  std::string path_;
};

// It has other salts each time the log is begun anew, https://www.sqlite.org/fileformat.html#walformat.
std::string head_of_log(const std::string& path) {
  constexpr std::size_t kHead = 32;
  std::array<char, kHead> head{};
  std::ifstream log(path, std::ios::binary);
  log.read(head.data(), head.size());
  return {head.data(), static_cast<std::size_t>(log.gcount())};
}

// The file first: what a writer moves into it from the log meanwhile is then in the copy of the log too.
bool copy_both(const std::string& path, const fs::path& to) {
  const std::string head = head_of_log(path + "-wal");
  constexpr auto kOver = fs::copy_options::overwrite_existing;
  fs::copy_file(path, to, kOver);
  fs::copy_file(path + "-wal", to.string() + "-wal", kOver);
  return head_of_log(path + "-wal") == head;
}

// The index is in this process's memory, and what stays is read: the files can go.
Database open_alone(const fs::path& path) {
  Database database(path.string(), Database::Access::read_write);
  database.execute("PRAGMA locking_mode = EXCLUSIVE");
  database.execute("BEGIN");
  database.integer("SELECT count(*) FROM sqlite_schema");
  return database;
}

}  // namespace

std::optional<Database> open_copied(const std::string& path) try {
  const TemporaryFolder folder;
  const fs::path copy = folder.file("copy.record");
  for (int i = 0; i < kTries; ++i) {
    if (!fs::exists(path + "-wal")) return std::nullopt;
    if (copy_both(path, copy)) return open_alone(copy);
  }
  throw InputError(
      fmt::format("{} is written faster than it can be copied; read it when its run has ended", path));
} catch (const fs::filesystem_error& error) {
  if (!fs::exists(path + "-wal")) return std::nullopt;  // its run has just ended
  throw InputError(
      fmt::format("{} cannot be copied, to be read while it is written ({}); set TMPDIR to a local folder "
                  "with room for it, "
                  "or read it when its run has ended",
                  path, error.code().message()));
}

}  // namespace parrun::record
