// The bug that parrun began with, gone: with joblib's Parallel(timeout=3, return_as="generator_unordered")
// this hung for ever. Three endless tasks meet a limit of 3 s, however their results are asked for.
//
//   mpirun -n 3 build/release/jobs/example_three_modes

#include <chrono>
#include <iostream>
#include <parrun/parrun.hpp>
#include <vector>

using namespace std::chrono_literals;

int endless(int start) {
  for (volatile int turns = start;;) turns = turns + 1;
}
PARRUN_TASK(endless);

int quick(int n) { return 10 * n; }
PARRUN_TASK(quick);

// Calls `call`, and says which limit ended it, and where the tasks stood.
template <typename Call>
void expect_limit(const char* mode, Call call) {
  const auto start = std::chrono::steady_clock::now();
  try {
    call();
  } catch (const parrun::TimeoutError& error) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::cout << mode << ": " << error.outstanding().size() << " tasks were ended after " << took.count()
              << " s: " << error.what() << '\n';
  }
}

int main(int argc, char** argv) {
  return parrun::main(argc, argv, [](parrun::Pool& pool) {
    std::vector<parrun::Task<int>> tasks{parrun::task<quick>(1), parrun::task<quick>(2)};
    for (int i = 0; i < 3; ++i) tasks.push_back(parrun::task<endless>(i));
    const parrun::CallOptions limits{.timeout = 3s};

    expect_limit("map", [&] { pool.map(tasks, limits); });  // joblib's list
    expect_limit("ordered", [&] {                           // its generator
      for (auto&& done : pool.ordered(tasks, limits)) std::cout << "result " << done.value() << '\n';
    });
    expect_limit("unordered", [&] {  // its generator_unordered
      for (auto&& done : pool.unordered(tasks, limits)) std::cout << "result " << done.value() << '\n';
    });

    // What was stuck has been killed; the pool goes on.
    for (const int value : pool.map(std::vector(2, parrun::task<quick>(3)))) std::cout << value << '\n';
  });
}
