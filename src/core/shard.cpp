#include "core/shard.hpp"

#include <charconv>

#include "parrun/errors.hpp"

namespace parrun {

std::string to_string(const Shard& shard) {
  return std::to_string(shard.number) + '/' + std::to_string(shard.count);
}

Shard parse_shard(const std::string& text) {
  Shard shard;
  const char* const end = text.data() + text.size();
  const auto [slash, bad_number] = std::from_chars(text.data(), end, shard.number);
  const bool has_slash = bad_number == std::errc() && slash != end && *slash == '/';
  const auto [rest, bad_count] = std::from_chars(has_slash ? slash + 1 : end, end, shard.count);
  if (!has_slash || bad_count != std::errc() || rest != end || shard.number < 1 ||
      shard.number > shard.count) {
    throw InputError("'" + text + "' is no part of a whole; give K/N, as 1/10 to 10/10");
  }
  return shard;
}

}  // namespace parrun
