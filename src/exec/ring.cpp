#include "exec/ring.hpp"

#include <algorithm>
#include <cstring>

#include "base/bytes.hpp"
#include "base/prepare_to_write.hpp"

namespace parrun {

std::size_t Ring::space() const { return kCapacity - std::min(available(), kCapacity); }

// In one or two pieces: the second one begins where the ring does.
std::size_t Ring::push(std::string_view bytes) {
  const std::size_t size = std::min(bytes.size(), space());
  if (size == 0) return 0;
  const std::size_t written = written_.load(std::memory_order_relaxed);
  const std::size_t at = written % kCapacity;
  const std::size_t first = std::min(size, kCapacity - at);
  std::memcpy(bytes_.data() + at, bytes.data(), first);
  std::memcpy(bytes_.data(), bytes.data() + first, size - first);
  written_.store(written + size, std::memory_order_release);
  // The reader's core has them. What locks the bus, as the next claim of a task does, would wait for them.
  for (std::size_t line = kPreparedFrom; line < kPreparedTo; line += kCacheLine)
    prepare_to_write(&bytes_[(written + size + line) % kCapacity]);
  return size;
}

std::size_t Ring::try_write(std::string_view bytes) {
  const std::size_t written = push(bytes);
  if (written > 0) data_.announce(static_cast<std::uint32_t>(available()));
  return written;
}

std::size_t Ring::try_read(char* out, std::size_t size) {
  const std::size_t there = available();
  if (there > kCapacity) throw FormatError("more than it has room for");
  const std::size_t taken = std::min(size, there);
  if (taken == 0) return 0;
  const std::size_t read = read_.load(std::memory_order_relaxed);
  const std::size_t at = read % kCapacity;
  const std::size_t first = std::min(taken, kCapacity - at);
  std::memcpy(out, bytes_.data() + at, first);
  std::memcpy(out + first, bytes_.data(), taken - first);
  read_.store(read + taken, std::memory_order_release);
  space_.announce(static_cast<std::uint32_t>(space()));
  return taken;
}

bool Ring::write(std::string_view bytes) {
  const auto has_space = [&] { return space() > 0; };
  for (bool waited = false;; waited = true) {
    bytes.remove_prefix(push(bytes));
    data_.hint(static_cast<std::uint32_t>(available()));
    if (bytes.empty()) return waited;
    if (!comes_soon(has_space)) space_.sleep(1, kNap, space_.wakes(), has_space);
  }
}

}  // namespace parrun
