// A program on the library: a sweep over temperatures, printed as the results come.
//
//   mpirun -n 4 build/release/jobs/example_sweep          ends with the best of them
//   mpirun -n 4 build/release/jobs/example_sweep endless  shows what a limit does

#include <chrono>
#include <cmath>
#include <iostream>
#include <limits>
#include <parrun/parrun.hpp>
#include <random>
#include <vector>

using namespace std::chrono_literals;

// Mean energy of a particle in a double well, by the Metropolis algorithm.
double simulate(unsigned seed, double temperature) {
  const auto energy = [](double x) { return (x * x - 1) * (x * x - 1); };
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  constexpr int kSteps = 200'000;
  double x = 0;
  double sum = 0;
  for (int step = 0; step < kSteps; ++step) {
    const double moved = x + uniform(random) - 0.5;
    if (uniform(random) < std::exp((energy(x) - energy(moved)) / temperature)) x = moved;
    sum += energy(x);
  }
  return sum / kSteps;
}
PARRUN_TASK(simulate);

double endless(double temperature) {
  while (temperature > 0) temperature = std::nextafter(temperature, 2 * temperature);
  return temperature;
}
PARRUN_TASK(endless);

int main(int argc, char** argv) {
  const bool with_endless = argc > 1;
  return parrun::main(argc, argv, [&](parrun::Pool& pool) {  // on rank 0; the others serve
    std::vector<parrun::Task<double>> tasks;
    for (unsigned i = 0; i < 20; ++i) tasks.push_back(parrun::task<simulate>(i, 0.1 + 0.1 * i));
    if (with_endless) tasks.push_back(parrun::task<endless>(1.0));

    double lowest = std::numeric_limits<double>::infinity();
    try {
      for (auto&& done : pool.unordered(tasks, {.timeout = 3s})) {  // as they finish
        const double energy = done.value();                         // throws the task's error, if it had one
        std::cout << "task " << done.index() << ": energy " << energy << '\n';
        lowest = std::min(lowest, energy);
      }
    } catch (const parrun::TimeoutError& error) {
      std::cout << "a limit: " << error.what() << '\n';  // what was stuck has been killed: go on
    }
    std::cout << "lowest energy " << lowest << '\n';
  });
}
