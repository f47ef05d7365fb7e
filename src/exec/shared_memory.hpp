#pragma once
#include <cstddef>

namespace parrun {

// Zeroed pages that processes forked later share with this one, between two guard pages: a task that runs off
// the end of a neighbouring mapping dies there and does not write into them.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t size);  ///< throws std::system_error
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory();

  void* data() const { return data_; }
  /// In this process, from now on.
  void make_read_only();  ///< throws std::system_error

 private:
  void* mapping_;
  std::size_t mapped_;
  void* data_;
};

}  // namespace parrun
