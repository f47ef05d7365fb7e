// What a pool costs, measured inside of it, without the start of MPI.
//   pool_bench process|none rate TASKS [IN OUT]  empty tasks, IN bytes there and OUT back. Tasks/s
//   pool_bench process|none trip ROUNDS          submit one task, wait for it. Microseconds
//   pool_bench process|none notice ROUNDS        a task's end until the caller hears of it. Milliseconds,
//                                                the median; before each all is quiet for 100 ms
//   pool_bench process|none memory TASKS [IN OUT]  as rate. MiB that this process had at most

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <parrun/parrun.hpp>
#include <ranges>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

std::string answer(std::string question, std::size_t size) {
  question.resize(size);
  return question;
}
PARRUN_TASK(answer);

/// Sleeps 100 ms; returns when it woke, on the clock that this host's processes share [ns].
std::int64_t wakes_at() {
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  return Clock::now().time_since_epoch().count();
}
PARRUN_TASK(wakes_at);

namespace {

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

double notice_ms(parrun::Pool& pool, std::size_t rounds) {
  std::vector<double> late;
  for (std::size_t i = 0; i < rounds; ++i) {
    const std::int64_t woke = pool.submit<wakes_at>().get();
    late.push_back(static_cast<double>(Clock::now().time_since_epoch().count() - woke) * 1e-6);
  }
  return median(late);
}

double most_memory_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const std::string isolation = argv[1];
  const std::string what = argv[2];
  const std::size_t count = std::stoul(argv[3]);
  const std::string question(argc > 4 ? std::stoul(argv[4]) : 64, 'x');
  const std::size_t size = argc > 5 ? std::stoul(argv[5]) : 64;

  const auto measure = [&](parrun::Pool& pool) {
    const auto start = Clock::now();
    if (what == "trip") {
      for (std::size_t i = 0; i < count; ++i) pool.submit<answer>(question, size).get();
      std::cout << seconds_since(start) / static_cast<double>(count) * 1e6 << '\n';
      return;
    }
    if (what == "notice") return void(std::cout << notice_ms(pool, count) << '\n');
    std::size_t bytes = 0;
    for (auto&& done :
         pool.unordered(std::views::iota(std::size_t{0}, count) |
                        std::views::transform([&](auto) { return parrun::task<answer>(question, size); }))) {
      bytes += done.value().size();
    }
    if (bytes != count * size) throw std::logic_error("results are missing");
    std::cout << (what == "memory" ? most_memory_mb() : static_cast<double>(count) / seconds_since(start))
              << '\n';
  };
  parrun::PoolOptions options;
  if (isolation == "none") options.isolation = parrun::Isolation::none;
  return parrun::main(argc, argv, measure, options);
}
