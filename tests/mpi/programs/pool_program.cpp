// Calls of a pool: their order, their limits, how far ahead they run.

#include <algorithm>
#include <fstream>
#include <ranges>

#include "cases.hpp"

using namespace std::chrono_literals;
using namespace cases;

int throws_if_odd(int n) {
  if (n % 2 == 1) throw std::domain_error("odd: " + std::to_string(n));
  return n;
}
PARRUN_TASK(throws_if_odd);

std::string megabytes(int count) { return std::string(static_cast<std::size_t>(count) << 20, 'x'); }
PARRUN_TASK(megabytes);

std::string sleeps_then_megabyte(int ms) {
  sleeps_ms(ms);
  return megabytes(1);
}
PARRUN_TASK(sleeps_then_megabyte);

int loud_at_first(int megabytes_of_output) {
  if (std::string_view(std::getenv("PARRUN_ATTEMPT")) != "1") return 0;
  std::cerr << megabytes(megabytes_of_output);
  throw std::runtime_error("the first attempt");
}
PARRUN_TASK(loud_at_first);

void marks_only(const std::string& file) { mark(file); }
PARRUN_TASK(marks_only);

struct Adder {
  int offset = 0;
  int operator()(int n) const { return n + offset; }
  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& offset;
  }
};
PARRUN_TASK(Adder);

namespace {

std::vector<parrun::Task<void>> endless_tasks(const std::string& file) {
  return {3, parrun::task<marks_then_spins>(file)};
}

void reuse_after_timeout(parrun::Pool& pool, const std::string& file) {
  try {
    for (auto&& done : pool.unordered(endless_tasks(file), {.timeout = 500ms})) done.value();
  } catch (const parrun::TimeoutError& error) {
    std::cout << "caught with " << error.outstanding().size() << " outstanding\n";
  }
  print_squares(pool);
}

void idle_caller(parrun::Pool& pool, const std::string& file) {
  std::vector<parrun::Task<int>> tasks{parrun::task<sleeps_ms>(1),
                                       parrun::task<marks_then_sleeps>(file, 1000.0)};
  auto results = pool.unordered(tasks, {.timeout = 1s});
  auto next = results.begin();
  std::cout << "first " << (*next).value() << std::endl;
  std::this_thread::sleep_for(4s);  // what this case is about: the caller's own pause
  const auto before = std::chrono::steady_clock::now();
  try {
    ++next;
  } catch (const parrun::TimeoutError& error) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - before;
    std::cout << (took < 500ms ? "at once: " : "late: ") << error.what() << '\n';
  }
}

// Takes results that are there already, one in 50 ms: the deadline passes meanwhile.
void slow_taker(parrun::Pool& pool, const std::string& /*file*/) {
  std::vector<parrun::Task<int>> tasks(200, parrun::task<square>(1));
  tasks.push_back(parrun::task<sleeps_ms>(1'000'000));
  int taken = 0;
  try {
    for (auto&& done : pool.unordered(tasks, {.deadline = 1s})) {
      taken += done.value();
      std::this_thread::sleep_for(20ms);  // what this case is about
    }
  } catch (const parrun::TimeoutError& error) {
    std::cout << taken << " taken; " << error.what() << '\n';
  }
}

// Nothing runs for longer than the stall limit, for the caller has results that he has not taken.
void stall_of_slow_taker(parrun::Pool& pool) {
  int taken = 0;
  for (auto&& done :
       pool.unordered(std::vector(12, parrun::task<sleeps_ms>(1)), {.stall = 1s, .max_undelivered = 1})) {
    taken += done.value();
    std::this_thread::sleep_for(400ms);  // what this case is about
  }
  std::cout << taken << " taken\n";
}

// The same, as tasks are made only for results that were taken; each runs for half of the limit.
void stall_of_slow_asker(parrun::Pool& pool) {
  int taken = 0;
  for (auto&& done :
       pool.unordered(std::vector(3, parrun::task<sleeps_ms>(1000)), {.stall = 2s, .pre_dispatch = 1})) {
    taken += done.value() / 1000;
    std::this_thread::sleep_for(2200ms);  // what this case is about
  }
  std::cout << taken << " taken\n";
}

// To make a task takes nearly as long as the stall limit, and to run it half as long.
void stall_of_slow_range(parrun::Pool& pool) {
  auto tasks = std::views::iota(0, 3) | std::views::transform([](int) {
                 std::this_thread::sleep_for(1900ms);  // what this case is about
                 return parrun::task<sleeps_ms>(1000);
               });
  int taken = 0;
  for (auto&& done : pool.unordered(tasks, {.stall = 2s, .pre_dispatch = 2})) taken += done.value() / 1000;
  std::cout << taken << " taken\n";
}

// Away for longer than the deadline, while three tasks end whose results are so large that one turn of the
// loop takes one of them.
void late_taker(parrun::Pool& pool, bool endless_one) {
  std::vector<parrun::Task<std::string>> tasks;
  for (const int ms : {300, 600, 600, 600}) tasks.push_back(parrun::task<sleeps_then_megabyte>(ms));
  if (endless_one) tasks.push_back(parrun::task<sleeps_then_megabyte>(1'000'000));
  int taken = 0;
  try {
    for (auto&& done : pool.unordered(tasks, {.deadline = 1s})) {
      done.value();
      if (taken++ == 0) std::this_thread::sleep_for(1500ms);  // what this case is about
    }
    std::cout << taken << " taken\n";
  } catch (const parrun::TimeoutError& error) {
    std::cout << taken << " taken, out:";
    for (const auto& one : error.outstanding()) std::cout << ' ' << one.task;
    std::cout << '\n';
  }
}

// Pauses for longer than a rank may be silent: within a call, and between two.
void long_pauses(parrun::Pool& pool) {
  for (auto&& done : pool.unordered(tasks_of<square>({1, 2}))) {
    done.value();
    std::this_thread::sleep_for(3s);  // what this case is about
  }
  std::this_thread::sleep_for(3s);
  print_squares(pool);
}

void early_break(parrun::Pool& pool) {
  for (auto&& done : pool.unordered(std::views::iota(0) | std::views::transform(parrun::task<square, int>))) {
    if (done.index() >= 10) break;
  }
  print_squares(pool);
}

void counts_pulled(parrun::Pool& pool) {
  int pulled = 0;
  auto tasks = std::views::iota(0, 100000) | std::views::transform([&](int n) {
                 ++pulled;
                 return parrun::task<sleeps_ms>(n * 0 + 1);
               });
  int taken = 0;
  for (auto&& done : pool.unordered(tasks)) {
    done.value();
    if (++taken == 100) break;
  }
  std::cout << (pulled < 3000 ? "bounded" : "all pulled: " + std::to_string(pulled)) << '\n';
}

void task_error(parrun::Pool& pool) {
  try {
    pool.map(tasks_of<throws_if_odd>({2, 4, 7}));
  } catch (const parrun::TaskError& error) {
    std::cout << error.type() << " | task " << error.task() << " | " << error.what() << '\n';
  }
  int failed = 0;
  for (auto&& done : pool.unordered(tasks_of<throws_if_odd>({0, 1, 2, 3})))
    failed += done.succeeded() ? 0 : 1;
  std::cout << failed << " failed\n";
  print_squares(pool);
}

// At each step of a caller who takes his time.
void pre_dispatch(parrun::Pool& pool) {
  int pulled = 0;
  auto tasks = std::views::iota(0, 100) | std::views::transform([&](int n) {
                 ++pulled;
                 return parrun::task<square>(n);
               });
  int taken = 0;
  int most_ahead = 0;
  for (auto&& done : pool.ordered(tasks, {.pre_dispatch = 4})) {
    done.value();
    most_ahead = std::max(most_ahead, pulled - taken++);
    std::this_thread::sleep_for(2ms);
  }
  std::cout << pulled << " pulled, at most " << most_ahead << " ahead\n";
}

// The first holds all others back; how many of them have run by the time it comes?
void undelivered(parrun::Pool& pool, const std::string& file) {
  std::vector<parrun::Task<int>> tasks{parrun::task<sleeps_ms>(1500)};
  for (int i = 0; i < 3000; ++i) tasks.push_back(parrun::task<marks_then_sleeps>(file, 0.0));
  auto results = pool.ordered(tasks, {.max_undelivered = 20});
  auto next = results.begin();
  const int marks = marks_in(file);
  // What a worker was given before its first outcomes came runs too.
  std::cout << (marks >= 20 && marks < 2000 ? "held back" : std::to_string(marks) + " ran") << '\n';
  int rest = 0;
  for (; next != results.end(); ++next) rest += (*next).succeeded() ? 1 : 0;
  std::cout << rest << '\n';
}

long peak_memory_mb() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "VmHWM:" && status >> word) return std::stol(word) / 1024;
  }
  return -1;
}

template <typename Call>
void bounded_growth(long most_mb, Call call) {
  const long before = peak_memory_mb();
  call();
  const long growth = peak_memory_mb() - before;
  std::cout << (growth < most_mb ? "bounded" : "grew by " + std::to_string(growth) + " MB") << '\n';
}

// 400 MB that cannot be delivered before the first one comes.
void large_undelivered(parrun::Pool& pool) {
  bounded_growth(200, [&] {
    std::vector<parrun::Task<std::string>> tasks{parrun::task<sleeps_then_megabyte>(3000)};
    for (int i = 0; i < 400; ++i) tasks.push_back(parrun::task<megabytes>(1));
    std::size_t bytes = 0;
    for (auto&& done : pool.ordered(tasks)) bytes += done.value().size();
    std::cout << (bytes >> 20) << " MB\n";
  });
}

// Each small result comes with 8 MB that are told to nobody.
void beside_large_output(parrun::Pool& pool) {
  bounded_growth(200, [&] {
    std::vector<parrun::Task<int>> tasks;
    for (int i = 0; i < 60; ++i) {
      tasks.push_back(parrun::task<loud_at_first>(8));
      tasks.push_back(parrun::task<square>(i));
    }
    int results = 0;
    for (auto&& done : pool.unordered(tasks, {.retries = 1})) {
      results += done.succeeded() ? 1 : 0;
      std::this_thread::sleep_for(20ms);  // a caller who is slower than the workers
    }
    std::cout << results << '\n';
  });
}

void releases(parrun::Pool& pool) {
  bounded_growth(150, [&] {
    std::size_t bytes = 0;
    for (auto&& done : pool.unordered(std::vector(500, parrun::task<megabytes>(1))))
      bytes += done.value().size();
    std::cout << (bytes >> 20) << " MB\n";
  });
}

// As many tasks as PARRUN_TEST_TASKS says, consumed one by one.
void many(parrun::Pool& pool) {
  const char* wanted = std::getenv("PARRUN_TEST_TASKS");
  const int count = wanted != nullptr ? std::atoi(wanted) : 300'000;
  bounded_growth(100, [&] {
    auto tasks = std::views::iota(0, count) |
                 std::views::transform([](int n) { return parrun::task<square>(n % 1000); });
    int done_tasks = 0;
    for (auto&& done : pool.unordered(tasks)) done_tasks += done.succeeded() ? 1 : 0;
    std::cout << (done_tasks == count ? "all" : "not all") << '\n';
  });
}

// One endless task on one worker, and as many short ones as the other can take.
void flood(parrun::Pool& pool, const parrun::CallOptions& options) {
  constexpr long kFlood = 100'000;
  const auto tasks = std::views::iota(0) | std::views::transform([](int n) {
                       return n == 0 ? parrun::task<sleeps_ms>(1'000'000) : parrun::task<square>(1);
                     });
  const auto start = std::chrono::steady_clock::now();
  long results = 0;
  try {
    for (auto&& done : pool.unordered(tasks, options)) results += done.value();
  } catch (const parrun::TimeoutError& error) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::cout << (took > 1s && took < 1.3s ? "in time" : "after " + std::to_string(took.count()) + " s");
    std::cout << (results > kFlood ? ", in a flood: " : ", of " + std::to_string(results) + ": ")
              << error.what() << std::endl;
    std::cerr << static_cast<double>(results) / took.count() << " results/s" << std::endl;
  }
}

void void_results(parrun::Pool& pool, const std::string& file) {
  pool.map(std::vector(3, parrun::task<marks_only>(file)));
  std::cout << marks_in(file) << '\n';
}

void order(parrun::Pool& pool) {
  const Tasks tasks = tasks_of<sleeps_ms>({400, 1, 200});
  for (auto&& done : pool.ordered(tasks)) std::cout << done.value() << ' ';
  for (auto&& done : pool.unordered(tasks)) std::cout << done.index() << ' ';
  std::cout << '\n';
}

void nested(parrun::Pool& pool) {
  const Tasks tasks = tasks_of<square>({1, 2});
  try {
    for (auto&& done : pool.unordered(tasks)) {
      done.value();
      pool.map(tasks);
    }
  } catch (const std::logic_error& error) {
    std::cout << error.what() << '\n';
  }
}

// Within the body, and, on each rank, behind it.
void main_in_main(parrun::Pool& pool) {
  try {
    parrun::main(0, nullptr, [](parrun::Pool&) {});
  } catch (const std::logic_error& error) {
    std::cout << error.what() << '\n';
  }
  print_squares(pool);
}

int twice_main(int argc, char** argv) {
  parrun::main(argc, argv, main_in_main);
  try {
    return parrun::main(argc, argv, [](parrun::Pool&) {});
  } catch (const std::logic_error& error) {
    std::cout << error.what() << '\n';
    return 0;
  }
}

void functors(parrun::Pool& pool) {
  const std::vector tasks{parrun::task(Adder{10}, 1), parrun::task(Adder{20}, 2)};
  for (const int value : pool.map(tasks)) std::cout << value << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  if (arguments_of(argc, argv).name == "twice_main") return twice_main(argc, argv);
  return run(argc, argv,
             {{"map",
               [](auto& pool, auto& file) {
                 pool.map(Tasks(3, parrun::task<marks_then_sleeps>(file, 1000.0)), {.timeout = 3s});
               }},
              {"ordered",
               [](auto& pool, auto& file) {
                 for (auto&& done : pool.ordered(endless_tasks(file), {.timeout = 3s})) done.value();
               }},
              {"unordered",
               [](auto& pool, auto& file) {
                 for (auto&& done : pool.unordered(endless_tasks(file), {.timeout = 3s})) done.value();
               }},
              {"squares", [](auto& pool, auto&) { print_squares(pool); }},
              {"reuse_after_timeout", reuse_after_timeout},
              {"idle_caller", idle_caller},
              {"slow_taker", slow_taker},
              {"stall_of_slow_taker", [](auto& pool, auto&) { stall_of_slow_taker(pool); }},
              {"stall_of_slow_asker", [](auto& pool, auto&) { stall_of_slow_asker(pool); }},
              {"stall_of_slow_range", [](auto& pool, auto&) { stall_of_slow_range(pool); }},
              {"late_taker", [](auto& pool, auto&) { late_taker(pool, true); }},
              {"late_taker_of_all", [](auto& pool, auto&) { late_taker(pool, false); }},
              {"long_pauses", [](auto& pool, auto&) { long_pauses(pool); }},
              {"early_break", [](auto& pool, auto&) { early_break(pool); }},
              {"counts_pulled", [](auto& pool, auto&) { counts_pulled(pool); }},
              {"pre_dispatch", [](auto& pool, auto&) { pre_dispatch(pool); }},
              {"undelivered", undelivered},
              {"large_undelivered", [](auto& pool, auto&) { large_undelivered(pool); }},
              {"beside_large_output", [](auto& pool, auto&) { beside_large_output(pool); }},
              {"releases", [](auto& pool, auto&) { releases(pool); }},
              {"many", [](auto& pool, auto&) { many(pool); }},
              {"flood_timeout", [](auto& pool, auto&) { flood(pool, {.timeout = 1s}); }},
              {"flood_deadline", [](auto& pool, auto&) { flood(pool, {.deadline = 1s}); }},
              {"task_error", [](auto& pool, auto&) { task_error(pool); }},
              {"order", [](auto& pool, auto&) { order(pool); }},
              {"nested", [](auto& pool, auto&) { nested(pool); }},
              {"void_results", void_results},
              {"functors", [](auto& pool, auto&) { functors(pool); }}});
}
