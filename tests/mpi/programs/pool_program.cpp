// A program on the library, one behaviour a call: `pool_program CASE [process|none] [FILE]`.

#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <ranges>
#include <string>
#include <thread>
#include <vector>

#include "../jobs/marks.cpp"
#include "parrun/parrun.hpp"

using namespace std::chrono_literals;

int square(int n) { return n * n; }
PARRUN_TASK(square);

int sleeps_ms(int ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
  return ms;
}
PARRUN_TASK(sleeps_ms);

int throws_if_odd(int n) {
  if (n % 2 == 1) throw std::domain_error("odd: " + std::to_string(n));
  return n;
}
PARRUN_TASK(throws_if_odd);

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

using Tasks = std::vector<parrun::Task<int>>;

template <auto F>
Tasks tasks_of(std::initializer_list<int> arguments) {
  Tasks tasks;
  for (const int argument : arguments) tasks.push_back(parrun::task<F>(argument));
  return tasks;
}

std::vector<parrun::Task<void>> endless_tasks(const std::string& file) {
  return {3, parrun::task<marks_then_spins>(file)};
}

// Results of a pool that must have nothing left of an earlier call.
void print_squares(parrun::Pool& pool) {
  for (const int value : pool.map(tasks_of<square>({1, 2, 3}))) std::cout << value << '\n';
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

void throwing_range(parrun::Pool& pool) {
  auto tasks = std::views::iota(0, 1000) | std::views::transform([](int n) {
                 if (n == 5) throw std::runtime_error("the range threw");
                 return parrun::task<square>(n);
               });
  try {
    for (auto&& done : pool.unordered(tasks)) done.value();
  } catch (const std::runtime_error& error) {
    std::cout << error.what() << '\n';
  }
  print_squares(pool);
}

void task_error(parrun::Pool& pool) {
  try {
    pool.map(tasks_of<throws_if_odd>({2, 4, 7}));
  } catch (const parrun::TaskError& error) {
    std::cout << error.type() << " | task " << error.task() << " | " << error.what() << '\n';
  }
  int failed = 0;
  for (auto&& done : pool.ordered(tasks_of<throws_if_odd>({0, 1, 2, 3}))) failed += done.succeeded() ? 0 : 1;
  std::cout << failed << " failed\n";
  print_squares(pool);
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

void functors(parrun::Pool& pool) {
  const std::vector tasks{parrun::task(Adder{10}, 1), parrun::task(Adder{20}, 2)};
  for (const int value : pool.map(tasks)) std::cout << value << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "";
  const std::string isolation = argc > 2 ? argv[2] : "process";
  const std::string file = argc > 3 ? argv[3] : "";
  const std::map<std::string, std::function<void(parrun::Pool&)>> cases{
      {"map",
       [&](auto& pool) {
         pool.map(Tasks(3, parrun::task<marks_then_sleeps>(file, 1000.0)), {.timeout = 3s});
       }},
      {"ordered",
       [&](auto& pool) {
         for (auto&& done : pool.ordered(endless_tasks(file), {.timeout = 3s})) done.value();
       }},
      {"unordered",
       [&](auto& pool) {
         for (auto&& done : pool.unordered(endless_tasks(file), {.timeout = 3s})) done.value();
       }},
      {"squares", print_squares},
      {"reuse_after_timeout", [&](auto& pool) { reuse_after_timeout(pool, file); }},
      {"idle_caller", [&](auto& pool) { idle_caller(pool, file); }},
      {"long_pauses", long_pauses},
      {"early_break", early_break},
      {"counts_pulled", counts_pulled},
      {"throwing_range", throwing_range},
      {"task_error", task_error},
      {"order", order},
      {"nested", nested},
      {"functors", functors},
  };
  return parrun::main(
      argc, argv, cases.at(name),
      {.isolation = isolation == "none" ? parrun::Isolation::none : parrun::Isolation::process,
       .lost_after = 2s});
}
