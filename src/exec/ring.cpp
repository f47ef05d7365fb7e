#include "exec/ring.hpp"

namespace parrun {

std::size_t Ring::try_write(std::string_view bytes) {
  const std::size_t written = queue_.push(bytes.data(), bytes.size());
  if (written > 0) data_.announce(static_cast<std::uint32_t>(queue_.read_available()));
  return written;
}

std::size_t Ring::try_read(char* out, std::size_t size) {
  const std::size_t taken = queue_.pop(out, size);
  if (taken > 0) space_.announce(static_cast<std::uint32_t>(queue_.write_available()));
  return taken;
}

bool Ring::write(std::string_view bytes) {
  const auto has_space = [&] { return queue_.write_available() > 0; };
  for (bool waited = false;; waited = true) {
    bytes.remove_prefix(queue_.push(bytes.data(), bytes.size()));
    data_.hint(static_cast<std::uint32_t>(queue_.read_available()));
    if (bytes.empty()) return waited;
    if (!comes_soon(has_space)) space_.sleep(1, kNap, has_space);
  }
}

}  // namespace parrun
