#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

namespace parrun {

// How long tasks take, learnt from those that are done, by label: what a task that has not started can be
// expected to take. A histogram of quarter octaves for each label: any quantile to 19 %, in constant memory.
class Durations {
 public:
  static constexpr std::size_t kMostLabels = 1000;  ///< of further ones only the sum of all knows

  void add(const std::string& label, double elapsed_s);

  /// The 95th percentile of tasks of that label, or of all where none of it is done; rounded up to the end of
  /// its bucket [s]. None where nothing is known.
  std::optional<double> expected_s(const std::string& label) const;
  /// No task that is done took longer. O(1), unlike the others.
  std::optional<double> longest_s() const { return known_ ? std::optional(longest_s_) : std::nullopt; }
  /// The same of the label that takes the least: what does not leave time for this leaves none for any.
  std::optional<double> least_expected_s() const;

 private:
  class Histogram {
   public:
    void add(double elapsed_s);
    double percentile_95_s() const;

   private:
    static constexpr std::size_t kBuckets = 160;  ///< from a microsecond to 12 days, and beyond
    std::array<std::uint32_t, kBuckets> counts_{};
    std::uint64_t total_ = 0;
  };

  Histogram all_;
  bool known_ = false;
  double longest_s_ = 0;
  std::unordered_map<std::string, Histogram> by_label_;
};

}  // namespace parrun
