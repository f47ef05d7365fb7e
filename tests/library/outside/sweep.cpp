// A program of another project, on the library alone: prints the sum of what its tasks return.

#include <iostream>
#include <parrun/parrun.hpp>
#include <vector>

namespace wells {

struct Well {
  double depth = 0;
  std::vector<double> places;
};
PARRUN_MEMBERS(Well, depth, places);

double energy(const Well& well, int power) {
  double sum = 0;
  for (const double place : well.places) sum += well.depth * (power == 2 ? place * place : place);
  return sum;
}

}  // namespace wells
PARRUN_TASK(wells::energy);

int main(int argc, char** argv) {
  return parrun::main(argc, argv, [](parrun::Pool& pool) {
    std::vector<parrun::Task<double>> tasks;
    for (int i = 1; i <= 10; ++i) {
      tasks.push_back(parrun::task<wells::energy>(wells::Well{1.0 * i, {1, 2}}, 2));
    }
    double sum = 0;
    for (const double energy : pool.map(tasks)) sum += energy;
    std::cout << "sum " << sum << '\n';
  });
}
