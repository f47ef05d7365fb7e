// A search in which a result decides what comes next: the lowest point of a function of two variables, by
// boxes that are cut in four as long as they may hold a point lower than the best one known.
//
//   mpirun -n 4 build/release/jobs/example_search

#include <algorithm>
#include <cmath>
#include <iostream>
#include <list>
#include <parrun/parrun.hpp>
#include <vector>

struct Box {
  double x = 0, y = 0;  // its centre
  double half = 4;      // half its side
  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& x& y& half;
  }
};

double height(double x, double y) { return 0.1 * (x * x + y * y) + std::sin(3 * x) + std::cos(2 * y + x); }

// The lowest of some points of a box.
double lowest(const Box& box) {
  constexpr int kSteps = 300;
  double least = height(box.x, box.y);
  for (int i = 0; i <= kSteps; ++i) {
    for (int j = 0; j <= kSteps; ++j)
      least = std::min(least, height(box.x + box.half * (2.0 * i / kSteps - 1),
                                     box.y + box.half * (2.0 * j / kSteps - 1)));
  }
  return least;
}
PARRUN_TASK(lowest);

struct Open {
  Box box;
  parrun::Future<double> lowest;
};

int main(int argc, char** argv) {
  return parrun::main(argc, argv, [](parrun::Pool& pool) {
    std::list<Open> open;
    const auto look_at = [&](const Box& box) { open.push_back({box, pool.submit<lowest>(box)}); };
    look_at(Box());
    double best = height(0, 0);
    int looked_at = 0;
    while (!open.empty()) {
      const Box box = open.front().box;
      const double least = open.front().lowest.get();
      open.pop_front();
      ++looked_at;
      best = std::min(best, least);
      constexpr double kSlope = 6;  // of the function, at most
      const double step = box.half / 150;
      if (box.half < 0.05 || least - kSlope * step > best) continue;  // nothing lower in there
      for (const double dx : {-0.5, 0.5}) {
        for (const double dy : {-0.5, 0.5})
          look_at({box.x + dx * box.half, box.y + dy * box.half, box.half / 2});
      }
    }
    std::cout << "lowest " << best << ", " << looked_at << " boxes looked at\n";
  });
}
