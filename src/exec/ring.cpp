#include "exec/ring.hpp"

namespace parrun {

std::size_t Ring::try_write(std::string_view bytes) {
  const std::size_t written = queue_.push(bytes.data(), bytes.size());
  if (written > 0) data_.announce();
  return written;
}

std::size_t Ring::try_read(char* out, std::size_t size) {
  const std::size_t taken = queue_.pop(out, size);
  if (taken > 0) space_.announce();
  return taken;
}

void Ring::write(std::string_view bytes) {
  while (!bytes.empty()) {
    bytes.remove_prefix(try_write(bytes));
    if (!bytes.empty()) space_.sleep(kNap, [&] { return queue_.write_available() > 0; });
  }
}

void Ring::read(char* out, std::size_t size) {
  while (size > 0) {
    const std::size_t taken = try_read(out, size);
    out += taken;
    size -= taken;
    if (size > 0) data_.sleep(kNap, [&] { return queue_.read_available() > 0; });
  }
}

}  // namespace parrun
