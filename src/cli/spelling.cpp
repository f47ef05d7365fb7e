#include "cli/spelling.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace parrun {
namespace {

// The optimal string alignment distance, by the rows of its table.
std::size_t edits_between(std::string_view from, std::string_view to) {
  std::vector<std::size_t> before_last;
  std::vector<std::size_t> last(to.size() + 1);
  std::iota(last.begin(), last.end(), 0);
  for (std::size_t i = 1; i <= from.size(); ++i) {
    std::vector<std::size_t> row(to.size() + 1, i);
    for (std::size_t k = 1; k <= to.size(); ++k) {
      const std::size_t changed = last[k - 1] + (from[i - 1] == to[k - 1] ? 0 : 1);
      row[k] = std::min({last[k] + 1, row[k - 1] + 1, changed});
      const bool swapped = i > 1 && k > 1 && from[i - 1] == to[k - 2] && from[i - 2] == to[k - 1];
      if (swapped) row[k] = std::min(row[k], before_last[k - 2] + 1);
    }
    before_last = std::exchange(last, std::move(row));
  }
  return last.back();
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& names) {
  std::string found;
  std::size_t fewest = 0;
  for (const std::string& name : names) {
    const std::size_t edits = edits_between(word, name);
    if (edits > name.size() / 3 || (!found.empty() && edits >= fewest)) continue;
    found = name;
    fewest = edits;
  }
  return found;
}

}  // namespace parrun
