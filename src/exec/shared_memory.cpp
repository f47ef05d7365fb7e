#include "exec/shared_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace parrun {

SharedMemory::SharedMemory(std::size_t size) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t usable = (size + page - 1) / page * page;
  mapped_ = usable + 2 * page;
  mapping_ = mmap(nullptr, mapped_, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (mapping_ == MAP_FAILED)
    throw std::system_error(errno, std::generic_category(), "cannot map shared memory");
  data_ = static_cast<char*>(mapping_) + page;
  if (mprotect(data_, usable, PROT_READ | PROT_WRITE) != 0) {
    const int error = errno;
    munmap(mapping_, mapped_);
    throw std::system_error(error, std::generic_category(), "cannot open shared memory");
  }
}

void SharedMemory::make_read_only() {
  const auto guard = static_cast<std::size_t>(static_cast<char*>(data_) - static_cast<char*>(mapping_));
  if (mprotect(data_, mapped_ - 2 * guard, PROT_READ) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot protect shared memory");
}

SharedMemory::~SharedMemory() { munmap(mapping_, mapped_); }

}  // namespace parrun
