#include "cluster/slurm_job.hpp"

#include <charconv>
#include <cmath>

namespace parrun::cluster {
namespace {

// The whole of it is one number, or there is none.
template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view trimmed(std::string_view text) {
  constexpr const char* kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

std::optional<SlurmJob> slurm_job(const std::function<const char*(const char*)>& variable) {
  const auto text = [&](const char* name) {
    const char* const value = variable(name);
    return std::string(value == nullptr ? "" : value);
  };
  SlurmJob job{.id = text("SLURM_JOB_ID"), .restarts = 0, .end_s = parse_end(text("SLURM_JOB_END_TIME"))};
  if (job.id.empty()) return std::nullopt;
  job.restarts = number<int>(text("SLURM_RESTART_COUNT")).value_or(0);
  return job;
}

std::optional<double> parse_end(std::string_view text) {
  const std::optional<double> end = number<double>(trimmed(text));  // "NONE", "N/A", "UNLIMITED"
  return end && std::isfinite(*end) && *end > 0 ? end : std::nullopt;
}

}  // namespace parrun::cluster
