#include "base/duration.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <vector>

#include "base/limit.hpp"
#include "parrun/errors.hpp"

namespace parrun {
namespace {

[[noreturn]] void refuse_duration(std::string_view text, std::string_view why) {
  throw InputError(
      fmt::format("'{}' is no duration ({}); write a number of seconds above 0, or 500ms 3s 2m 1h30m 1:30:00",
                  text, why));
}

// Takes the number at the front of `rest`; only digits and a point, so that from_chars' inf, nan and
// exponents are not durations.
double take_number(std::string_view text, std::string_view& rest) {
  const std::size_t digits = std::min(rest.find_first_not_of("0123456789."), rest.size());
  double value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + digits, value);
  if (error != std::errc() || end != rest.data() + digits)
    refuse_duration(text, "a number is missing or malformed");
  rest.remove_prefix(digits);
  return value;
}

double parse_clock(std::string_view text) {
  double total = 0;
  std::string_view rest = text;
  for (int fields = 1;; ++fields) {
    total = total * 60 + take_number(text, rest);
    if (rest.empty()) return total;
    if (rest.front() != ':' || fields == 3) refuse_duration(text, "a clock is hours:minutes:seconds");
    rest.remove_prefix(1);
  }
}

double parse_units(std::string_view text) {
  struct Unit {
    std::string_view name;
    double seconds;
  };
  // "ms" stands before "m": the first that fits is taken.
  static constexpr Unit kUnits[] = {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  double total = 0;
  double smallest = INFINITY;
  std::string_view rest = text;
  while (!rest.empty()) {
    const double number = take_number(text, rest);
    if (rest.empty() && smallest == INFINITY) return number;
    const Unit* unit = nullptr;
    for (const Unit& candidate : kUnits) {
      if (unit == nullptr && rest.starts_with(candidate.name)) unit = &candidate;
    }
    if (unit == nullptr) refuse_duration(text, "units are ms, s, m, h and d");
    if (unit->seconds >= smallest) refuse_duration(text, "units go from the largest to the smallest");
    smallest = unit->seconds;
    total += number * unit->seconds;
    rest.remove_prefix(unit->name.size());
  }
  return total;
}

}  // namespace

Duration parse_duration(std::string_view text) {
  if (text.empty()) refuse_duration(text, "it is empty");
  if (text.front() == '-') refuse_duration(text, "it is negative");
  const double seconds = text.find(':') == text.npos ? parse_units(text) : parse_clock(text);
  if (!(seconds <= to_seconds(kLongestLimit))) refuse_duration(text, "it is longer than 100 years");
  if (from_seconds(seconds) <= Duration::zero()) refuse_duration(text, "it is zero");
  return from_seconds(seconds);
}

std::string format_duration(Duration duration) {
  const double seconds = to_seconds(duration);
  if (seconds > 0 && seconds < 0.05) return fmt::format("{:.1g} s", seconds);
  if (seconds < 59.95) return fmt::format("{:.{}f} s", seconds, seconds < 9.95 ? 1 : 0);
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string format_rate(double per_second) {
  return per_second < 9.95 ? fmt::format("{:.2g}", per_second) : fmt::format("{:.0f}", per_second);
}

}  // namespace parrun
