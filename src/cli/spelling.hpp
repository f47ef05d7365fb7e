#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace parrun {

/// Of `names` the one that `word` was most likely meant to be: of the fewest letters put in, left out,
/// changed or swapped with their neighbour, and of no more than a third of its own. Empty where there is
/// none.
std::string nearest(std::string_view word, const std::vector<std::string>& names);

}  // namespace parrun
