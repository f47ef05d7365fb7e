#include "core/halt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <system_error>

#include "parrun/errors.hpp"

namespace parrun {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;
constexpr std::size_t kDecimals = 4;  // of a percentage, down to one millionth

// In the order of the enumerators.
constexpr std::string_view kWhen[] = {"soon", "now"};
constexpr std::string_view kWhy[] = {"fail", "success", "done"};

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  throw InputError(fmt::format(
      "'{}' is no halt rule ({}); write never, or now or soon with fail, success or done and a number "
      "of tasks or a percentage: now,fail=1 soon,fail=10%",
      text, why));
}

template <typename Enum, std::size_t N>
Enum parse_name(std::string_view text, std::string_view name, const std::string_view (&names)[N],
                std::string_view otherwise) {
  const auto found = std::ranges::find(names, name);
  if (found == std::end(names)) refuse(text, otherwise);
  return static_cast<Enum>(found - std::begin(names));
}

std::uint64_t parse_number(std::string_view text, std::string_view digits) {
  if (digits.empty() || digits.find_first_not_of("0123456789") != digits.npos) {
    refuse(text, "a number is missing or malformed");
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc()) refuse(text, "the number is too large");
  if (value == 0) refuse(text, "the number is zero");
  return value;
}

// In decimal digits, not as a double: 7% of 100 tasks are 7 tasks.
std::uint64_t parse_percentage(std::string_view text, std::string_view percentage) {
  const std::size_t point = std::min(percentage.find('.'), percentage.size());
  std::string digits(percentage);
  if (point < percentage.size()) digits.erase(point, 1);
  const std::size_t decimals = digits.size() - point;
  if (decimals > kDecimals) refuse(text, "a percentage has at most 4 decimals");
  if (!digits.empty()) digits.append(kDecimals - decimals, '0');
  const std::uint64_t share_ppm = parse_number(text, digits);
  if (share_ppm > kMillion) refuse(text, "a percentage is at most 100%");
  return share_ppm;
}

std::string_view long_form(std::string_view text) {
  if (text == "0") return "never";
  if (text == "1") return "soon,fail=1";
  if (text == "2") return "now,fail=1";
  if (text == "-1") return "soon,success=1";
  if (text == "-2") return "now,success=1";
  return text;
}

void set_value(std::string_view text, std::string_view value, HaltRule& rule) {
  if (value.ends_with('%')) {
    rule.share_ppm = parse_percentage(text, value.substr(0, value.size() - 1));
  } else {
    rule.count = parse_number(text, value);
  }
}

// The tasks that must have ended so: a share rounded up, so that this many are at least that share.
// total * share_ppm alone could overflow.
std::uint64_t threshold(const HaltRule& rule, std::uint64_t total) {
  if (rule.share_ppm == 0) return rule.count;
  const std::uint64_t rest = total % kMillion * rule.share_ppm;
  return std::max<std::uint64_t>(1, total / kMillion * rule.share_ppm + (rest + kMillion - 1) / kMillion);
}

std::uint64_t ended(HaltRule::Why why, const HaltCounts& counts) {
  switch (why) {
    case HaltRule::Why::fail:
      return counts.failed;
    case HaltRule::Why::success:
      return counts.succeeded;
    case HaltRule::Why::done:
      break;
  }
  return counts.succeeded + counts.failed;
}

}  // namespace

std::optional<HaltRule> parse_halt(std::string_view text) {
  if (text.empty()) refuse(text, "it is empty");
  const std::string_view rest = long_form(text);
  if (rest == "never") return std::nullopt;
  HaltRule rule{.when = HaltRule::When::soon, .why = HaltRule::Why::fail};
  const std::size_t comma = rest.find(',');
  if (comma == rest.npos && rest.ends_with('%')) {
    set_value(text, rest, rule);
    return rule;
  }
  rule.when =
      parse_name<HaltRule::When>(text, rest.substr(0, comma), kWhen, "it begins with neither now nor soon");
  if (comma == rest.npos) refuse(text, "it names no reason");
  const std::size_t equals = std::min(rest.find('=', comma), rest.size());
  rule.why = parse_name<HaltRule::Why>(text, rest.substr(comma + 1, equals - comma - 1), kWhy,
                                       "reasons are fail, success and done");
  set_value(text, rest.substr(std::min(equals + 1, rest.size())), rule);
  return rule;
}

bool reached(const HaltRule& rule, const HaltCounts& counts) {
  if (rule.share_ppm != 0 && !counts.total) return false;
  return ended(rule.why, counts) >= threshold(rule, counts.total.value_or(0));
}

std::string describe(const HaltRule& rule) {
  const std::string value = rule.share_ppm == 0
                                ? fmt::format("{}", rule.count)
                                : fmt::format("{}%", static_cast<double>(rule.share_ppm) / 10'000);
  return fmt::format("{},{}={}", kWhen[static_cast<std::size_t>(rule.when)],
                     kWhy[static_cast<std::size_t>(rule.why)], value);
}

}  // namespace parrun
