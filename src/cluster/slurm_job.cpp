#include "cluster/slurm_job.hpp"

#include <algorithm>
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

using Text = std::function<std::string(const char*)>;

std::optional<ArrayElement> array_element(const Text& text) {
  const auto id = number<std::int64_t>(text("SLURM_ARRAY_TASK_ID"));
  if (!id) return std::nullopt;
  const auto value = [&](const char* name) { return number<std::int64_t>(text(name)); };
  return ArrayElement{.id = *id,
                      .count = value("SLURM_ARRAY_TASK_COUNT").value_or(0),
                      .min = value("SLURM_ARRAY_TASK_MIN").value_or(0),
                      .max = value("SLURM_ARRAY_TASK_MAX").value_or(0),
                      .step = value("SLURM_ARRAY_TASK_STEP").value_or(1)};
}

// The array has the number of one of its elements, so to squeue and scontrol that number means them all. What
// the environment tells of an array may be another job's, from which this one was submitted: then the numbers
// differ.
std::string job_id(const Text& text) {
  const std::string id = text("SLURM_JOB_ID");
  const std::string element = text("SLURM_ARRAY_TASK_ID");
  return element.empty() || id != text("SLURM_ARRAY_JOB_ID") ? id : id + '_' + element;
}

}  // namespace

std::optional<Shard> ArrayElement::shard() const {
  const bool regular = count > 0 && step > 0 && max - min == (count - 1) * step;
  const bool among_them = id >= min && id <= max && (id - min) % std::max<std::int64_t>(step, 1) == 0;
  // An element that was submitted again alone does not know how many there were.
  const bool one_of_others = count == 1 && id > 1;
  if (!regular || !among_them || one_of_others) return std::nullopt;
  return Shard{static_cast<std::uint64_t>((id - min) / step + 1), static_cast<std::uint64_t>(count)};
}

std::optional<SlurmJob> slurm_job(const std::function<const char*(const char*)>& variable) {
  const Text text = [&](const char* name) {
    const char* const value = variable(name);
    return std::string(value == nullptr ? "" : value);
  };
  const std::string id = job_id(text);
  if (id.empty()) return std::nullopt;
  return SlurmJob{.id = id,
                  .restarts = number<int>(text("SLURM_RESTART_COUNT")).value_or(0),
                  .end_s = parse_end(text("SLURM_JOB_END_TIME")),
                  .array = array_element(text)};
}

std::optional<double> parse_end(std::string_view text) {
  const std::optional<double> end = number<double>(trimmed(text));  // "NONE", "N/A", "UNLIMITED"
  return end && std::isfinite(*end) && *end > 0 ? end : std::nullopt;
}

}  // namespace parrun::cluster
