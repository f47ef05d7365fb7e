#include "base/size.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <system_error>

#include "parrun/errors.hpp"

namespace parrun {
namespace {

constexpr std::uint64_t kLargest = std::uint64_t{1} << 62;  // [bytes] sums of two still fit into 64 bits
constexpr std::string_view kDigits = "0123456789";

[[noreturn]] void refuse_size(std::string_view text, std::string_view why) {
  throw InputError(
      fmt::format("'{}' is no size ({}); write a number of bytes above 0, or 512K 512M 1.5G 2T", text, why));
}

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

// [bytes] K, KB and KiB are one unit, in either case. B alone, or nothing, is a byte.
std::uint64_t parse_unit(std::string_view text, std::string_view unit) {
  std::string name;
  std::ranges::transform(unit, std::back_inserter(name), upper);
  if (name.empty() || name == "B") return 1;
  const std::size_t power = std::string_view("KMGTP").find(name.front());
  const std::string_view rest = std::string_view(name).substr(1);
  if (power == std::string_view::npos || !(rest.empty() || rest == "B" || rest == "IB")) {
    refuse_size(text, "units are K, M, G, T and P");
  }
  return std::uint64_t{1} << (10 * (power + 1));
}

std::uint64_t parse_whole(std::string_view text, std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc::result_out_of_range) refuse_size(text, "it is above 2^62 bytes");
  return value;
}

// What stands behind the point, as bytes of this unit.
std::uint64_t parse_decimals(std::string_view text, std::string_view decimals, std::uint64_t unit) {
  if (decimals.find_first_not_of('0') == decimals.npos) return 0;
  if (unit == 1) refuse_size(text, "a byte has no parts, is a unit missing?");
  double value = 0;
  const std::string fraction = fmt::format("0.{}", decimals);
  std::from_chars(fraction.data(), fraction.data() + fraction.size(), value);
  return static_cast<std::uint64_t>(value * static_cast<double>(unit));
}

}  // namespace

std::uint64_t parse_size(std::string_view text) {
  if (text.empty()) refuse_size(text, "it is empty");
  if (text.front() == '-') refuse_size(text, "it is negative");
  std::string_view rest = text;
  const auto take_digits = [&rest] {
    const std::string_view digits = rest.substr(0, rest.find_first_not_of(kDigits));
    rest.remove_prefix(digits.size());
    return digits;
  };
  const std::string_view whole = take_digits();
  std::string_view decimals;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    decimals = take_digits();
  }
  if (whole.empty() && decimals.empty()) refuse_size(text, "a number is missing or malformed");
  const std::uint64_t unit = parse_unit(text, rest);
  const std::uint64_t count = parse_whole(text, whole);
  if (count > kLargest / unit) refuse_size(text, "it is above 2^62 bytes");
  const std::uint64_t bytes = count * unit + parse_decimals(text, decimals, unit);
  if (bytes > kLargest) refuse_size(text, "it is above 2^62 bytes");
  if (bytes == 0) refuse_size(text, "it is less than a byte");
  return bytes;
}

std::string format_size(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} byte{}", bytes, bytes == 1 ? "" : "s");
  double value = static_cast<double>(bytes) / 1024;
  std::string_view units = "KMGTPE";
  // 1023.5 would be shown as 1024. 64 bits end within EB.
  for (; value >= 1023.5; value /= 1024) units.remove_prefix(1);
  return fmt::format("{:.{}f} {}B", value, value < 9.95 ? 1 : 0, units.front());
}

}  // namespace parrun
