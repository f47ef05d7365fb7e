#include "exec/capture.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/size.hpp"

namespace parrun {
namespace {

// Appending: a task that truncates or seeks its stdout cannot leave holes in it.
int memory_file(const char* name) {
  const int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd < 0 || fcntl(fd, F_SETFL, O_APPEND) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make a file in memory");
  }
  return fd;
}

// All zero where the descriptor is closed.
FileIdentity identity(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return {};
  return {status.st_dev, status.st_ino};
}

std::uint64_t size_of(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

Bytes read_file(int fd, std::uint64_t size) {
  Bytes text(size, '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = pread(fd, text.data() + filled, text.size() - filled, static_cast<off_t>(filled));
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
  return text;
}

Bytes take_file(int fd, std::optional<std::uint64_t> limit) {
  const std::uint64_t size = size_of(fd);
  if (size == 0) return {};
  const bool cut = limit && size > *limit;
  Bytes text = read_file(fd, cut ? *limit : size);
  if (cut) text += fmt::format("\n[parrun: cut here, at the output limit of {}]\n", format_size(*limit));
  if (ftruncate(fd, 0) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot empty a file in memory");
  return text;
}

}  // namespace

Capture::Capture()
    : out_(memory_file("parrun-stdout")),
      err_(memory_file("parrun-stderr")),
      out_file_(identity(out_.get())),
      err_file_(identity(err_.get())) {}

bool Capture::readable_here() const {
  return identity(out_.get()) == out_file_ && identity(err_.get()) == err_file_;
}

bool Capture::intact_here() const {
  return readable_here() && identity(STDOUT_FILENO) == out_file_ && identity(STDERR_FILENO) == err_file_;
}

Capture::Text Capture::take(std::optional<std::uint64_t> limit) {
  return {take_file(out_.get(), limit), take_file(err_.get(), limit)};
}

// A hole, for it changes no size: the executor may empty the file at the same time.
void Capture::trim(std::uint64_t limit) const {
  constexpr std::uint64_t kWorthIt = std::uint64_t{1} << 20;
  for (const int fd : {out_.get(), err_.get()}) {
    const std::uint64_t size = size_of(fd);
    if (size < limit + kWorthIt) continue;
    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(limit),
              static_cast<off_t>(size - limit));
  }
}

void Capture::redirect_here() const {
  dup2(out_.get(), STDOUT_FILENO);
  dup2(err_.get(), STDERR_FILENO);
}

}  // namespace parrun
