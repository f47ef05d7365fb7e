#include "exec/capture.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

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

Bytes take_file(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0 || status.st_size == 0) return {};
  Bytes text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = pread(fd, text.data() + filled, text.size() - filled, static_cast<off_t>(filled));
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
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

bool Capture::intact_here() const {
  return identity(STDOUT_FILENO) == out_file_ && identity(STDERR_FILENO) == err_file_ &&
         identity(out_.get()) == out_file_ && identity(err_.get()) == err_file_;
}

Capture::Text Capture::take() { return {take_file(out_.get()), take_file(err_.get())}; }

void Capture::redirect_here() const {
  dup2(out_.get(), STDOUT_FILENO);
  dup2(err_.get(), STDERR_FILENO);
}

}  // namespace parrun
