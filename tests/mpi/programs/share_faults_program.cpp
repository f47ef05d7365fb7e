// Shared values and what goes wrong around them, one behaviour a call: see cases.hpp.

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <limits>
#include <numeric>
#include <optional>
#include <ranges>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cases.hpp"
#include "parrun/parrun.hpp"

using namespace std::chrono_literals;

using Numbers = parrun::Shared<double>;

double total(const Numbers& numbers) { return std::accumulate(numbers.begin(), numbers.end(), 0.0); }
PARRUN_TASK(total);

double total_of_all(const std::vector<Numbers>& all) {
  double sum = 0;
  for (const Numbers& one : all) sum += total(one);
  return sum;
}
PARRUN_TASK(total_of_all);

void writes(const Numbers& numbers) { const_cast<double&>(numbers[0]) = 7; }
PARRUN_TASK(writes);

void is_killed(const Numbers& numbers) {
  if (total(numbers) > 0) raise(SIGKILL);
}
PARRUN_TASK(is_killed);

void never_ends(const Numbers& numbers) {
  while (total(numbers) > 0) std::this_thread::sleep_for(1ms);
}
PARRUN_TASK(never_ends);

// Long enough for some looks at its memory.
double lingers(const Numbers& numbers) {
  const double sum = total(numbers);
  std::this_thread::sleep_for(200ms);
  return sum;
}
PARRUN_TASK(lingers);

int rank_pid() { return getpid(); }
PARRUN_TASK(rank_pid);

namespace {

constexpr std::size_t kMany = std::size_t{25} << 20;  // 200 MiB of doubles

Numbers ten(parrun::Pool& pool) { return pool.share(std::vector<double>(10, 1.0)); }

void print_total(parrun::Pool& pool, const Numbers& numbers) {
  std::cout << pool.map(std::vector{parrun::task<total>(numbers)})[0] << '\n';
}

void print_errors(parrun::Pool& pool, const parrun::Task<void>& task) {
  for (auto&& done : pool.unordered(std::vector(2, task))) std::cout << done.outcome().error << '\n';
}

template <typename T>
void print_refusal(parrun::Pool& pool, const T& value) {
  try {
    pool.share(value);
    std::cout << "shared\n";
  } catch (const std::runtime_error& error) {
    std::cout << error.what() << '\n';
  }
}

/// Of this rank alone, from now on.
void limit_to(int resource, rlim_t value) {
  rlimit limit{};
  getrlimit(static_cast<__rlimit_resource>(resource), &limit);
  limit.rlim_cur = std::min(value, limit.rlim_max);
  setrlimit(static_cast<__rlimit_resource>(resource), &limit);
}

void written_to(parrun::Pool& pool, const std::string& /*file*/) {
  const auto numbers = ten(pool);
  print_errors(pool, parrun::task<writes>(numbers));
  print_total(pool, numbers);
}

void reader_killed(parrun::Pool& pool, const std::string& /*file*/) {
  const auto numbers = ten(pool);
  print_errors(pool, parrun::task<is_killed>(numbers));
  print_total(pool, numbers);
}

void after_timeout(parrun::Pool& pool, const std::string& /*file*/) {
  const auto numbers = ten(pool);
  try {
    pool.map(std::vector(3, parrun::task<never_ends>(numbers)), {.timeout = 200ms});
  } catch (const parrun::TimeoutError&) {
    std::cout << "a limit\n";
  }
  print_total(pool, numbers);
  print_total(pool, ten(pool));
}

void memory_limit(parrun::Pool& pool, const std::string& /*file*/) {
  const auto numbers = pool.share(std::vector<double>(kMany, 1.0));
  auto task = parrun::task<lingers>(numbers);
  task.memory_limit(100 << 20);
  std::cout << (pool.map(std::vector(2, task))[1] == kMany ? "within the limit\n" : "wrong\n");
}

// An array that nobody could have, in address space alone.
void too_large(parrun::Pool& pool, const std::string& /*file*/) {
  constexpr std::size_t kBytes = std::size_t{1} << 44;
  const void* const space =
      mmap(nullptr, kBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) throw std::runtime_error("no address space");
  print_refusal(pool, std::span(static_cast<const char*>(space), kBytes));
  print_total(pool, ten(pool));
}

void no_address_space(parrun::Pool& pool, const std::string& /*file*/) {
  const std::vector<double> numbers(kMany, 1.0);
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  limit_to(RLIMIT_AS, pages * static_cast<std::size_t>(getpagesize()) + (64 << 20));
  print_refusal(pool, numbers);
  print_total(pool, ten(pool));
}

void many(parrun::Pool& pool, const std::string& /*file*/) {
  limit_to(RLIMIT_NOFILE, 4096);
  std::vector<Numbers> all;
  for (int i = 0; i < 1024; ++i) all.push_back(pool.share(static_cast<double>(i)));
  print_refusal(pool, 1.0);
  all.pop_back();
  all.push_back(pool.share(7.0));
  std::cout << pool.map(std::vector{parrun::task<total_of_all>(all)})[0] << '\n';
}

void few_files(parrun::Pool& pool, const std::string& /*file*/) {
  limit_to(RLIMIT_NOFILE, 100);
  std::vector<Numbers> all;
  try {
    while (all.size() < 100) all.push_back(ten(pool));
  } catch (const std::runtime_error& error) {
    std::cout << error.what() << '\n';
  }
  std::cout << (std::ifstream("/proc/self/statm") ? "files can be opened\n" : "no file can be opened\n");
  const double sum = pool.map(std::vector{parrun::task<total_of_all>(all)})[0];
  std::cout << (sum == 10 * static_cast<double>(all.size()) ? "all can be read\n" : "wrong\n");
}

void share_and_tell(parrun::Pool& pool) {
  try {
    ten(pool);
  } catch (const parrun::TimeoutError& error) {
    std::cout << error.what() << std::endl;
  }
}

// The worker's rank, in which the task is, does not answer any more.
void stopped_rank(parrun::Pool& pool, const std::string& /*file*/) {
  kill(pool.map(std::vector{parrun::task<rank_pid>()})[0], SIGSTOP);
  share_and_tell(pool);
}

// The same within the tasks of a call that could stall sooner.
void stopped_rank_of_a_call(parrun::Pool& pool, const std::string& /*file*/) {
  const int rank = pool.map(std::vector{parrun::task<rank_pid>()})[0];
  auto tasks = std::views::iota(0, 2) | std::views::transform([&](int number) {
                 if (number == 1) {
                   kill(rank, SIGSTOP);
                   share_and_tell(pool);
                 }
                 return parrun::task<rank_pid>();
               });
  for (auto&& done : pool.unordered(tasks, {.stall = 500ms})) done.value();
}

std::optional<std::pair<Numbers, parrun::Task<double>>> left;

void outlives(parrun::Pool& pool, const std::string& /*file*/) {
  const auto numbers = ten(pool);
  left.emplace(numbers, parrun::task<total>(numbers));
}

}  // namespace

int main(int argc, char** argv) {
  const int code = cases::run(argc, argv,
                              {{"written_to", written_to},
                               {"reader_killed", reader_killed},
                               {"after_timeout", after_timeout},
                               {"memory_limit", memory_limit},
                               {"too_large", too_large},
                               {"no_address_space", no_address_space},
                               {"many", many},
                               {"few_files", few_files},
                               {"stopped_rank", stopped_rank},
                               {"stopped_rank_of_a_call", stopped_rank_of_a_call},
                               {"outlives", outlives}});
  if (left) std::cout << total(left->first) << '\n';
  return code;
}
