// Pi by Monte Carlo, until the error is small enough: tasks come from an endless range, and the loop is left
// when it has seen enough. What was not started never will be, and what runs is ended.
//
//   mpirun -n 4 build/release/jobs/example_monte_carlo

#include <cmath>
#include <cstddef>
#include <iostream>
#include <iterator>
#include <parrun/parrun.hpp>
#include <random>

constexpr int kDraws = 1'000'000;

// Draws inside the quarter circle, of kDraws. Each seed is a stream of its own, so results can be repeated.
long hits(unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  long inside = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = uniform(random);
    const double y = uniform(random);
    inside += x * x + y * y < 1 ? 1 : 0;
  }
  return inside;
}
PARRUN_TASK(hits);

// Tasks without end: any input range will do.
class Draws {
 public:
  class Iterator {
   public:
    using value_type = parrun::Task<long>;
    using difference_type = std::ptrdiff_t;
    value_type operator*() const { return parrun::task<hits>(seed_); }
    Iterator& operator++() {
      ++seed_;
      return *this;
    }
    void operator++(int) { ++*this; }

   private:
    unsigned seed_ = 0;
  };
  static Iterator begin() { return {}; }
  static std::unreachable_sentinel_t end() { return {}; }
};

int main(int argc, char** argv) {
  const double wanted = argc > 1 ? std::stod(argv[1]) : 4e-4;
  return parrun::main(argc, argv, [&](parrun::Pool& pool) {
    double draws = 0;
    double inside = 0;
    for (auto&& done : pool.unordered(Draws())) {
      draws += kDraws;
      inside += static_cast<double>(done.value());
      const double p = inside / draws;
      const double error = 4 * std::sqrt(p * (1 - p) / draws);  // standard error of 4 p
      if (error > wanted) continue;
      std::cout << "pi = " << 4 * p << " +- " << error << " after " << draws << " draws\n";
      break;
    }
  });
}
