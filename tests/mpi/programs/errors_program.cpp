// How tasks' errors reach the caller, and what becomes of the others.

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <ranges>
#include <stdexcept>

#include "cases.hpp"

using namespace std::chrono_literals;
using namespace cases;

struct NotConverged {
  int steps = 0;
  double residual = 0;
  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& steps& residual;
  }
};
PARRUN_ERROR(NotConverged);
PARRUN_ERROR(std::domain_error);

struct WorseDomain : std::domain_error {
  using std::domain_error::domain_error;
};

struct CannotBeLoaded : std::runtime_error {
  CannotBeLoaded() : std::runtime_error("cannot be loaded") {}
  template <typename Archive>
  void serialize(Archive& /*archive*/, unsigned /*version*/) {
    if (Archive::is_loading::value) throw std::out_of_range("while it is loaded");
  }
};
PARRUN_ERROR(CannotBeLoaded);

namespace {

int fails(const std::string& how) {
  if (how == "registered") throw NotConverged{42, 0.5};
  if (how == "text") throw std::domain_error("below zero:\n -1");
  if (how == "derived") throw WorseDomain("worse");
  if (how == "plain") throw std::range_error("too far");
  if (how == "number") throw 7;
  if (how == "unloadable") throw CannotBeLoaded();
  return 0;
}

int marks_then_fails(const std::string& file, int number, int failing, int failing_ms) {
  mark(file);
  if (number == failing) {
    std::this_thread::sleep_for(std::chrono::milliseconds(failing_ms));
    throw std::range_error("number " + std::to_string(number));
  }
  std::this_thread::sleep_for(1ms);
  return number;
}

int ends_its_parent() { return kill(getppid(), SIGKILL); }

int succeeds_at_attempt(int wanted) {
  const int attempt = std::atoi(std::getenv("PARRUN_ATTEMPT"));
  if (attempt < wanted) throw std::range_error("attempt " + std::to_string(attempt));
  return attempt;
}

int sleeps_then_marks(const std::string& file, int ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
  mark(file);
  return ms;
}

}  // namespace

PARRUN_TASK(fails);
PARRUN_TASK(marks_then_fails);
PARRUN_TASK(succeeds_at_attempt);
PARRUN_TASK(ends_its_parent);
PARRUN_TASK(sleeps_then_marks);

namespace {

std::vector<parrun::Task<int>> with_failure(const std::string& file, int tasks, int failing, int failing_ms) {
  std::vector<parrun::Task<int>> all;
  for (int i = 0; i < tasks; ++i) all.push_back(parrun::task<marks_then_fails>(file, i, failing, failing_ms));
  return all;
}

void types(parrun::Pool& pool, const std::string& /*file*/) {
  for (const char* how : {"registered", "text", "derived", "plain", "number", "unloadable"}) {
    std::vector tasks{parrun::task<fails>(std::string("not")), parrun::task<fails>(std::string(how))};
    try {
      pool.map(tasks);
    } catch (const NotConverged& error) {
      std::cout << "NotConverged " << error.steps << ' ' << error.residual << '\n';
    } catch (const std::domain_error& error) {
      std::cout << "domain_error " << error.what() << '\n';
      try {
        std::rethrow_if_nested(error);
      } catch (const parrun::TaskError& task) {
        std::cout << "nested task " << task.task() << " attempt " << task.attempt() << '\n';
      }
    } catch (const parrun::TaskError& error) {
      std::cout << "TaskError " << error.type() << " task " << error.task() << " state "
                << parrun::to_string(error.state()) << '\n';
    }
  }
}

template <typename Call>
void expect_failure(Call call) {
  try {
    call();
    std::cout << "nothing thrown\n";
  } catch (const parrun::TaskError& error) {
    std::cout << "failed: task " << error.task() << " after attempt " << error.attempt() << '\n';
  }
}

// Far more tasks than can have been given out by the time the failure is known.
void fail_fast(parrun::Pool& pool, const std::string& file, bool ordered) {
  constexpr int kTasks = 20000;
  const auto tasks = with_failure(file, kTasks, 3, 0);
  expect_failure([&] {
    if (!ordered) pool.map(tasks);
    if (ordered) {
      for (auto&& done : pool.ordered(tasks)) done.value();
    }
  });
  print_squares(pool);
  const int after = marks_in(file);
  print_squares(pool);
  std::cout << (after < kTasks / 2 ? "stopped" : "went on") << '\n'
            << (marks_in(file) == after ? "nothing of it left" : "it still runs") << '\n';
}

void keep(parrun::Pool& pool, const std::string& file) {
  auto tasks = with_failure(file, 50, 30, 0);
  tasks[10] = parrun::task<marks_then_fails>(file, 10, 10, 300);  // fails later, and is the first
  expect_failure([&] { pool.map(tasks, {.errors = parrun::Errors::keep}); });
  std::cout << marks_in(file) << " ran\n";
  for (auto&& done : pool.ordered(tasks, {.errors = parrun::Errors::keep})) {
    if (!done.succeeded()) std::cout << "kept " << done.index() << '\n';
  }
}

// The first is slow, the third fails: the second was there by then.
void ready_before_error(parrun::Pool& pool, const std::string& file) {
  std::vector<parrun::Task<int>> tasks{parrun::task<marks_then_sleeps>(file, 1000.0), parrun::task<square>(5),
                                       parrun::task<marks_then_fails>(file, 2, 2, 500)};
  expect_failure([&] {
    for (auto&& done : pool.ordered(tasks)) std::cout << done.index() << ": " << done.value() << '\n';
  });
  print_squares(pool);
}

void retries(parrun::Pool& pool, const std::string& /*file*/) {
  const std::vector tasks{parrun::task<succeeds_at_attempt>(3)};
  std::cout << pool.map(tasks, {.retries = 2}).front() << '\n';
  expect_failure([&] { pool.map(tasks, {.retries = 1}); });
}

void kill_at_timeout(parrun::Pool& pool, const std::string& file) {
  std::vector<parrun::Task<int>> tasks{parrun::task<square>(2), parrun::task<marks_then_sleeps>(file, 1000.0),
                                       parrun::task<square>(3)};
  for (auto&& done : pool.ordered(
           tasks,
           {.timeout = 500ms, .errors = parrun::Errors::keep, .on_timeout = parrun::OnTimeout::kill})) {
    std::cout << parrun::to_string(done.outcome().state) << '\n';
  }
}

void leave(parrun::Pool& pool, const std::string& file, parrun::OnLeave on_leave) {
  std::vector<parrun::Task<int>> tasks{parrun::task<square>(2)};
  for (int i = 0; i < 50; ++i) tasks.push_back(parrun::task<sleeps_then_marks>(file, 700));
  for (auto&& done : pool.ordered(tasks, {.on_leave = on_leave})) {
    std::cout << done.value() << '\n';
    break;
  }
  const int finished = marks_in(file);
  print_squares(pool);
  std::cout << finished << " finished\n";
}

void throwing_range(parrun::Pool& pool, const std::string& /*file*/) {
  auto tasks = std::views::iota(0, 1000) | std::views::transform([](int n) {
                 if (n == 5) throw std::runtime_error("the range threw");
                 return parrun::task<square>(n);
               });
  try {
    for (auto&& done : pool.ordered(tasks)) std::cout << done.value() << ' ';
  } catch (const std::runtime_error& error) {
    std::cout << error.what() << '\n';
  }
  print_squares(pool);
}

// The pause is the caller's own, and beyond the limit of the call that it still holds.
void pause_behind_an_error(parrun::Pool& pool, const std::string& /*file*/) {
  const std::vector<parrun::Task<int>> tasks{parrun::task<ends_its_parent>(),
                                             parrun::task<sleeps_ms>(60'000)};
  auto results = pool.unordered(tasks, {.deadline = 2s});
  try {
    for (auto&& done : results) done.value();
  } catch (const parrun::TimeoutError&) {
    std::cout << "the limit was sooner\n";
  } catch (const std::runtime_error& error) {
    std::cout << error.what() << std::endl;
    std::this_thread::sleep_for(4s);  // what this case is about
    std::cout << "goes on" << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (arguments_of(argc, argv).name == "empty_body") return parrun::main(argc, argv, nullptr);
  return run(argc, argv,
             {{"types", types},
              {"map_fails_fast", [](auto& pool, auto& file) { fail_fast(pool, file, false); }},
              {"ordered_fails_fast", [](auto& pool, auto& file) { fail_fast(pool, file, true); }},
              {"keep", keep},
              {"ready_before_error", ready_before_error},
              {"retries", retries},
              {"kill_at_timeout", kill_at_timeout},
              {"leave_by_killing", [](auto& pool, auto& file) { leave(pool, file, parrun::OnLeave::kill); }},
              {"leave_by_waiting", [](auto& pool, auto& file) { leave(pool, file, parrun::OnLeave::wait); }},
              {"throwing_range", throwing_range},
              {"pause_behind_an_error", pause_behind_an_error},
              {"throws_lines", [](auto&, auto&) { throw std::runtime_error("one\ntwo"); }}});
}
