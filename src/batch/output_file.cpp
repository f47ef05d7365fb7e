#include "batch/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/file_system.hpp"
#include "parrun/errors.hpp"

namespace parrun {
namespace {

constexpr std::size_t kBufferSize = 1 << 20;
constexpr mode_t kMode = 0666;  // of a new file, less the umask
constexpr mode_t kPermissions = 0777;

}  // namespace

OutputFile::OutputFile(const std::string& path) : name_(path) {
  struct stat status {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) {
    throw InputError(fmt::format("cannot write {}: it is a directory; give the name of a file", path));
  }
  if (exists && !S_ISREG(status.st_mode)) {
    owned_.reset(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!owned_) refuse(errno);
  } else {
    if (!exists && errno == ELOOP) refuse(errno);
    // A link stays a link: what gets replaced is where it leads, also where nothing is there yet.
    create_beside(link_target(path).string(), exists ? status.st_mode & kPermissions : kMode);
    // A umask says nothing of a file that was there. Where the mode cannot be set it is narrower than that.
    if (exists) ::fchmod(owned_.get(), status.st_mode & kPermissions);
  }
  fd_ = owned_.get();
}

OutputFile::OutputFile(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::create_beside(const std::string& path, mode_t mode) {
  target_ = path;
  // O_EXCL, and another number where it exists: hosts that share a file system also share process ids.
  for (int attempt = 0; !owned_; ++attempt) {
    const std::string candidate = fmt::format("{}.{}-{}.tmp", path, ::getpid(), attempt);
    owned_.reset(::open(candidate.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (owned_) temporary_ = candidate;
    if (!owned_ && errno != EEXIST) refuse(errno);
  }
}

void OutputFile::write(BytesView bytes) {
  size_ += bytes.size();
  if (buffer_.size() + bytes.size() > kBufferSize) flush();
  if (bytes.size() > kBufferSize) return write_through(bytes);
  if (buffer_.capacity() < kBufferSize) buffer_.reserve(kBufferSize);
  buffer_.append(bytes);
}

void OutputFile::commit() {
  flush();
  if (temporary_.empty()) return;
  // Before the rename: a quota or a network file system may refuse only here.
  if (::fsync(fd_) != 0) refuse(errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) refuse(errno);
  temporary_.clear();
}

void OutputFile::flush() {
  write_through(buffer_);
  buffer_.clear();
}

void OutputFile::write_through(BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      refuse(errno);
    }
  }
}

void OutputFile::refuse(int error) const {
  throw InputError(fmt::format("cannot write {}: {}; make room and access there, or give another place",
                               name_, std::strerror(error)));
}

}  // namespace parrun
