// A share of a Monte Carlo estimate of pi: how many of `samples` random points of the unit square lie inside
// the quarter circle. Shares with different seeds are independent; pi is about 4 * all hits / all samples.
//
//   {"call": "monte_carlo_pi", "args": [42, 1000000]}    ->  {"hits":785094,"samples":1000000}

#include <cstdint>
#include <random>

#include "parrun/task.hpp"

struct PiShare {
  std::uint64_t hits = 0;
  std::uint64_t samples = 0;
};
PARRUN_MEMBERS(PiShare, hits, samples);  // so that it can be sent, and shown as JSON

PiShare monte_carlo_pi(std::uint64_t seed, std::uint64_t samples) {
  std::mt19937_64 random(seed);
  const auto coordinate = [&random] {
    return static_cast<double>(random() >> 11U) * 0x1p-53;  // 53 random bits: a double in [0, 1)
  };
  PiShare share{0, samples};
  for (std::uint64_t i = 0; i < samples; ++i) {
    const double x = coordinate();
    const double y = coordinate();
    if (x * x + y * y < 1.0) ++share.hits;
  }
  return share;
}
PARRUN_TASK(monte_carlo_pi);
