// A code that owns MPI and lends its ranks: between two of its own collective steps rank 0 has a pool of all
// the others.
//
//   mpirun -n 4 build/release/jobs/example_borrowed_ranks

#include <cmath>
#include <iostream>
#include <parrun/mpi.hpp>
#include <parrun/parrun.hpp>
#include <vector>

// The cost of a cell depends on what is in it: a static share for each rank would leave most of them idle.
double refine(double size, int level) {
  double sum = 0;
  const long steps = 1000L << (level % 12);
  for (long i = 1; i <= steps; ++i) sum += std::sin(size * static_cast<double>(i)) / static_cast<double>(i);
  return sum;
}
PARRUN_TASK(refine);

namespace {

double refine_all(parrun::Pool& pool, int cells) {
  std::vector<parrun::Task<double>> tasks;
  tasks.reserve(static_cast<std::size_t>(cells));
  for (int cell = 0; cell < cells; ++cell) tasks.push_back(parrun::task<refine>(0.5 + 0.01 * cell, cell));
  double sum = 0;
  for (const double value : pool.map(tasks)) sum += value;
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  const parrun::Environment environment(argc, argv);  // before MPI: tasks get processes of their own
  int provided = MPI_THREAD_SINGLE;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);

  double total = 0;
  for (int step = 0; step < 3; ++step) {
    double own = rank + step;  // the code's own work, on every rank
    double all = 0;
    MPI_Allreduce(&own, &all, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    if (rank == 0) {
      parrun::Pool pool(MPI_COMM_WORLD);
      total += all + refine_all(pool, 100);
    } else {
      parrun::serve(MPI_COMM_WORLD);  // returns when the pool is destroyed
    }
    MPI_Bcast(&total, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  }
  if (rank == 0) std::cout << "total " << total << '\n';
  MPI_Finalize();
  return 0;
}
