#pragma once
#include <string>

#include "exec/ring.hpp"

namespace parrun::test {

/// Waits for the next `size` bytes.
inline std::string read_bytes(Ring& ring, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t read = 0; read < size;) {
    ring.await_data();
    read += ring.try_read(bytes.data() + read, size - read);
  }
  return bytes;
}

}  // namespace parrun::test
