#include "base/shown_text.hpp"

#include <fmt/format.h>

namespace parrun {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }  // of UTF-8

std::string hexadecimal(char c) { return fmt::format("\\x{:02x}", static_cast<unsigned char>(c)); }

// A terminal that obeys ESC [ can obey U+009B too.
bool is_c1_control(std::string_view text) {
  if (text.size() < 2 || text[0] != '\xc2') return false;
  const auto second = static_cast<unsigned char>(text[1]);
  return second >= 0x80 && second < 0xa0;
}

}  // namespace

std::string plural(std::uint64_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string escaped(std::string_view text) {
  std::string shown;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      shown += "\\n";
    } else if (c == '\t') {
      shown += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      shown += hexadecimal(c);
    } else if (is_c1_control(text.substr(i))) {
      shown += hexadecimal(c) + hexadecimal(text[++i]);
    } else {
      shown += c;
    }
  }
  return shown;
}

std::string shortened(std::string_view text, std::size_t most) {
  constexpr std::string_view kCut = "...";
  std::size_t characters = 0;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (continues_character(text[i])) continue;
    if (characters == most - kCut.size()) kept = i;
    if (characters++ == most) return std::string(text.substr(0, kept)).append(kCut);
  }
  return std::string(text);
}

}  // namespace parrun
