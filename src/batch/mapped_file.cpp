#include "batch/mapped_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "parrun/errors.hpp"

namespace parrun {
namespace {

Descriptor open_to_read(const std::string& path) {
  // O_NONBLOCK: opening a FIFO that nobody writes would wait for ever.
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file) return file;
  const char* advice = errno == ENOENT   ? "check the name, or make it with 'parrun pack'"
                       : errno == EACCES ? "ask its owner for permission to read it (chmod +r)"
                                         : "give a batch file that 'parrun pack' wrote";
  throw InputError(fmt::format("cannot open {}: {}; {}", path, std::strerror(errno), advice));
}

struct stat regular(int fd, const std::string& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    throw InputError(fmt::format("cannot read {}: {}; give a batch file that 'parrun pack' wrote", path,
                                 std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) {
    throw InputError(fmt::format("{} is {}; give a batch file that 'parrun pack' wrote", path,
                                 S_ISDIR(status.st_mode) ? "a directory" : "not a regular file"));
  }
  return status;
}

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path), file_(open_to_read(path)) {
  const struct stat status = regular(file_.get(), path);
  const auto size = static_cast<std::size_t>(status.st_size);
  modified_ = status.st_mtim;
  if (size == 0) return;  // mmap refuses an empty file
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file_.get(), 0);
  if (data == MAP_FAILED) {
    throw InputError(fmt::format("cannot map {} ({} bytes): {}; copy it to a local file system", path, size,
                                 std::strerror(errno)));
  }
  ::madvise(data, size, MADV_SEQUENTIAL);
  bytes_ = BytesView(static_cast<const char*>(data), size);
  end_ = read_end();
}

Bytes MappedFile::read_end() const {
  constexpr std::size_t kEnd = 256;  // its trailer, in which is a hash of all the rest
  Bytes end(std::min(bytes_.size(), kEnd), '\0');
  read(bytes_.size() - end.size(), end.size(), end.data());
  return end;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<char*>(bytes_.data()), bytes_.size());
}

void MappedFile::read(std::uint64_t offset, std::size_t size, char* to) const {
  while (size > 0) {
    const ssize_t done = ::pread(file_.get(), to, size, static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0)
      throw std::runtime_error(fmt::format("cannot read {} at byte {}: {}; copy it to a local file system",
                                           path_, offset, std::strerror(errno)));
    if (done == 0)
      throw std::runtime_error(
          fmt::format("{} was shortened while it was read: it ends at byte {}; pack it again, under another "
                      "name while a run reads it",
                      path_, offset));
    offset += static_cast<std::uint64_t>(done);
    to += done;
    size -= static_cast<std::size_t>(done);
  }
}

void MappedFile::require_unchanged() {
  struct stat status {};
  const bool whole =
      ::fstat(file_.get(), &status) == 0 && static_cast<std::size_t>(status.st_size) == bytes_.size();
  const timespec& modified = status.st_mtim;
  const bool same_time = modified.tv_sec == modified_.tv_sec && modified.tv_nsec == modified_.tv_nsec;
  if (whole && same_time) return;
  if (whole && read_end() == end_) {
    modified_ = modified;
    return;
  }
  throw std::runtime_error(fmt::format(
      "{} was written to while a run reads it; pack it again under another name, or let pack replace it",
      path_));
}

void MappedFile::release(std::uint64_t begin, std::uint64_t end) const {
  static const auto kPage = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  begin -= begin % kPage;
  end -= end % kPage;
  if (begin < end) ::madvise(const_cast<char*>(bytes_.data()) + begin, end - begin, MADV_DONTNEED);
}

}  // namespace parrun
