#include "exec/shared_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <system_error>

#include "base/size.hpp"

namespace parrun {
namespace {

constexpr const char* kName = "parrun-shared";
constexpr int kSeals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;

// A memory file has no limit of its own: beyond the node's memory the kernel would kill, and not refuse.
std::uint64_t available_bytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("MemAvailable:")) return std::strtoull(line.c_str() + 13, nullptr, 10) * 1024;
  }
  return ~std::uint64_t{0};
}

void check_memory(std::uint64_t bytes) {
  const std::uint64_t available = available_bytes();
  if (bytes > available) {
    throw std::runtime_error(fmt::format(
        "a shared value of {} does not fit in the {} of memory that are free; share less of it, or "
        "use nodes with more memory",
        format_size(bytes), format_size(available)));
  }
  rlimit limit{};
  // Beyond it the kernel sends SIGXFSZ.
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && bytes > limit.rlim_cur) {
    throw std::runtime_error(
        fmt::format("a shared value of {} is above the limit of files of {}; raise it with ulimit -f",
                    format_size(bytes), limit.rlim_cur == 0 ? "0 bytes" : format_size(limit.rlim_cur)));
  }
}

[[noreturn]] void no_memory(std::uint64_t bytes) {
  throw std::runtime_error(fmt::format("no memory for a shared value of {}: {}; share less of it",
                                       format_size(bytes), std::strerror(errno)));
}

// A process needs some for whatever else it opens.
bool takes_last_files(const Descriptor& file) {
  constexpr rlim_t kLeft = 32;
  if (!file) return errno == EMFILE;
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 && static_cast<rlim_t>(file.get()) + kLeft >= limit.rlim_cur;
}

[[noreturn]] void no_files() {
  throw std::runtime_error(
      "too few files may be open for another shared value; let handles go that are not needed any more, or "
      "raise the limit with ulimit -n");
}

// A copy that was released, and whose number was used again since, must not be taken for another.
bool is_copy(int file, const SharePlace& place) {
  struct stat status {};
  return fstat(file, &status) == 0 && status.st_ino == place.inode &&
         static_cast<std::uint64_t>(status.st_size) == place.bytes && fcntl(file, F_GET_SEALS) == kSeals;
}

}  // namespace

SharedFile::SharedFile(std::uint64_t bytes) {
  check_memory(bytes);
  file_.reset(memfd_create(kName, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (takes_last_files(file_)) no_files();
  if (!file_ || ftruncate(file_.get(), static_cast<off_t>(bytes)) != 0) no_memory(bytes);
  struct stat status {};
  if (fstat(file_.get(), &status) != 0) no_memory(bytes);
  place_ = {.pid = getpid(), .fd = file_.get(), .inode = status.st_ino, .bytes = bytes};
}

void SharedFile::append(BytesView bytes) {
  if (bytes.size() > place_.bytes - filled_) throw std::runtime_error("more of a shared value than was said");
  while (!bytes.empty()) {
    const ssize_t written = pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(filled_));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) no_memory(place_.bytes);
    filled_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void SharedFile::seal() {
  if (fcntl(file_.get(), F_ADD_SEALS, kSeals) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot seal a shared value");
}

std::shared_ptr<const void> map_shared(const SharePlace& place) {
  const std::string path = fmt::format("/proc/{}/fd/{}", place.pid, place.fd);
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file)
    throw std::runtime_error(fmt::format("cannot open this node's copy, {}: {}", path, std::strerror(errno)));
  if (!is_copy(file.get(), place)) throw std::runtime_error("this node's copy is gone, with its keeper");
  void* const data = mmap(nullptr, place.bytes, PROT_READ, MAP_SHARED, file.get(), 0);
  if (data == MAP_FAILED) {
    throw std::runtime_error(
        fmt::format("cannot map its {}: {}", format_size(place.bytes), std::strerror(errno)));
  }
  madvise(data, place.bytes, MADV_DONTDUMP);  // a crash would write all of it into its core file
  return {data, [bytes = place.bytes](const void* mapped) { munmap(const_cast<void*>(mapped), bytes); }};
}

// Of each mapping smaps(5) has a line that ends in its name, then lines of "Key: N kB".
SharedUse shared_use(const std::string& process) {
  SharedUse use;
  bool ours = false;
  std::ifstream file(fmt::format("/proc/{}/smaps", process));
  for (std::string line; std::getline(file, line);) {
    const std::size_t key_end = line.find_first_of(": ");
    if (key_end == line.npos || line[key_end] == ' ') {
      ours = line.find(fmt::format(" /memfd:{} ", kName)) != line.npos;
    } else if (ours && line.starts_with("Rss:")) {
      use.resident_bytes += std::strtoull(line.c_str() + key_end + 1, nullptr, 10) * 1024;
    } else if (ours && line.starts_with("Pss:")) {
      use.proportional_bytes += std::strtoull(line.c_str() + key_end + 1, nullptr, 10) * 1024;
    }
  }
  return use;
}

}  // namespace parrun
