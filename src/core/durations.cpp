#include "core/durations.hpp"

#include <algorithm>
#include <cmath>

namespace parrun {
namespace {
constexpr double kFirst_s = 1e-6;
constexpr double kBucketsAnOctave = 4;
}  // namespace

void Durations::Histogram::add(double elapsed_s) {
  const double place = std::ceil(kBucketsAnOctave * std::log2(std::max(elapsed_s, kFirst_s) / kFirst_s));
  ++counts_[std::min(static_cast<std::size_t>(place), kBuckets - 1)];
  ++total_;
}

double Durations::Histogram::percentile_95_s() const {
  const std::uint64_t wanted = total_ - total_ / 20;
  std::uint64_t seen = 0;
  std::size_t bucket = 0;
  while (bucket < kBuckets - 1 && (seen += counts_[bucket]) < wanted) ++bucket;
  return kFirst_s * std::exp2(static_cast<double>(bucket) / kBucketsAnOctave);
}

void Durations::add(const std::string& label, double elapsed_s) {
  known_ = true;
  longest_s_ = std::max(longest_s_, elapsed_s);
  all_.add(elapsed_s);
  const auto found = by_label_.find(label);
  if (found != by_label_.end()) return found->second.add(elapsed_s);
  if (by_label_.size() < kMostLabels) by_label_[label].add(elapsed_s);
}

std::optional<double> Durations::expected_s(const std::string& label) const {
  if (!known_) return std::nullopt;
  const auto found = by_label_.find(label);
  return found == by_label_.end() ? all_.percentile_95_s() : found->second.percentile_95_s();
}

std::optional<double> Durations::least_expected_s() const {
  if (!known_) return std::nullopt;
  double least = all_.percentile_95_s();
  for (const auto& [label, histogram] : by_label_) least = std::min(least, histogram.percentile_95_s());
  return least;
}

}  // namespace parrun
