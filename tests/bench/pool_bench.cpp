// What a pool costs, measured inside of it, without the start of MPI.
//   pool_bench process|none rate TASKS [IN OUT]  empty tasks, IN bytes there and OUT back. Tasks/s
//   pool_bench process|none trip ROUNDS          submit one task, wait for it. Microseconds

#include <chrono>
#include <iostream>
#include <memory>
#include <parrun/parrun.hpp>
#include <ranges>
#include <string>

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

std::string answer(const std::string& question, std::size_t size) {
  std::string text = question;
  text.resize(size);
  return text;
}
PARRUN_TASK(answer);

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
    std::size_t bytes = 0;
    for (auto&& done :
         pool.unordered(std::views::iota(std::size_t{0}, count) |
                        std::views::transform([&](auto) { return parrun::task<answer>(question, size); }))) {
      bytes += done.value().size();
    }
    if (bytes != count * size) throw std::logic_error("results are missing");
    std::cout << static_cast<double>(count) / seconds_since(start) << '\n';
  };
  parrun::PoolOptions options;
  if (isolation == "none") options.isolation = parrun::Isolation::none;
  return parrun::main(argc, argv, measure, options);
}
