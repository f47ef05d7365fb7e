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

struct FileState {
  FileIdentity identity;  ///< all zero where the descriptor is closed
  std::uint64_t size = 0;
};

FileState state_of(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return {};
  return {{status.st_dev, status.st_ino}, static_cast<std::uint64_t>(status.st_size)};
}

// With room for so many bytes behind it.
Bytes read_file(int fd, std::uint64_t size, std::size_t room) {
  Bytes text;
  text.reserve(size + room);
  text.resize(size);
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = pread(fd, text.data() + filled, text.size() - filled, static_cast<off_t>(filled));
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
  return text;
}

Bytes take_file(int fd, std::uint64_t size, std::optional<std::uint64_t> limit) {
  if (size == 0) return {};
  const bool cut = limit && size > *limit;
  const std::string mark =
      cut ? fmt::format("\n[parrun: cut here, at the output limit of {}]\n", format_size(*limit)) : "";
  Bytes text = read_file(fd, cut ? *limit : size, mark.size());
  text += mark;
  // The task may have ended the appending, for all who write to it.
  if (ftruncate(fd, 0) != 0 || fcntl(fd, F_SETFL, O_APPEND) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot empty a file in memory");
  return text;
}

}  // namespace

Capture::Capture()
    : out_(memory_file("parrun-stdout")),
      err_(memory_file("parrun-stderr")),
      out_file_(state_of(out_.get()).identity),
      err_file_(state_of(err_.get()).identity) {}

bool Capture::leads_here() const {
  return state_of(STDOUT_FILENO).identity == out_file_ && state_of(STDERR_FILENO).identity == err_file_;
}

Capture::Text Capture::take(std::optional<std::uint64_t> limit) {
  return {take_file(out_.get(), state_of(out_.get()).size, limit),
          take_file(err_.get(), state_of(err_.get()).size, limit)};
}

std::optional<Capture::Text> Capture::take_here(std::optional<std::uint64_t> limit) {
  const FileState out = state_of(out_.get());
  const FileState err = state_of(err_.get());
  if (out.identity != out_file_ || err.identity != err_file_) return std::nullopt;
  return Text{take_file(out_.get(), out.size, limit), take_file(err_.get(), err.size, limit)};
}

// A hole, for it changes no size: the executor may empty the file at the same time.
void Capture::trim(std::uint64_t limit) const {
  constexpr std::uint64_t kWorthIt = std::uint64_t{1} << 20;
  for (const int fd : {out_.get(), err_.get()}) {
    const std::uint64_t size = state_of(fd).size;
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
