// Tasks that are submitted one by one.

#include <stdexcept>

#include "cases.hpp"

using namespace std::chrono_literals;
using namespace cases;

namespace {

int throws_if_odd(int n) {
  if (n % 2 == 1) throw std::domain_error("odd: " + std::to_string(n));
  return n;
}

void returns_nothing() {}

int waits_for_marks(const std::string& file, int count) {
  mark(file);
  await_marks(file, count);
  return marks_in(file);
}

parrun::Pool* pool_of_tasks = nullptr;

int uses_the_pool(int n) { return pool_of_tasks->submit(parrun::task<throws_if_odd>(n)).get(); }

}  // namespace

PARRUN_TASK(throws_if_odd);
PARRUN_TASK(returns_nothing);
PARRUN_TASK(waits_for_marks);
PARRUN_TASK(uses_the_pool);

namespace {

using Futures = std::vector<parrun::Future<int>>;

template <typename Call>
void tell_error(Call call) {
  try {
    call();
    std::cout << "nothing thrown\n";
  } catch (const parrun::TimeoutError& error) {
    std::cout << "TimeoutError with " << error.outstanding().size() << " outstanding\n";
  } catch (const parrun::TaskError& error) {
    std::cout << "TaskError of task " << error.task() << ", " << parrun::to_string(error.state()) << '\n';
  } catch (const std::logic_error& error) {
    std::cout << error.what() << '\n';
  }
}

void any_order(parrun::Pool& pool, const std::string& /*file*/) {
  Futures futures;
  for (int i = 0; i < 2000; ++i) futures.push_back(pool.submit<square>(i));
  int wrong = 0;
  for (int i = 1999; i >= 0; --i) wrong += futures[static_cast<std::size_t>(i)].get() == i * i ? 0 : 1;
  std::cout << wrong << " wrong, again " << futures[7].get() << ", index " << futures[7].index() << '\n';
  pool.submit<returns_nothing>().get();
  auto slow = pool.submit<sleeps_ms>(600);
  std::cout << slow.get_for(1ms).has_value() << slow.ready() << slow.get_for(20s).value() << '\n';
  print_squares(pool);
  std::cout << pool.submit<square>(3).index() << '\n';  // goes on counting behind another call
}

// While one runs another is submitted, by what the first ones said.
void bisects(parrun::Pool& pool, const std::string& /*file*/) {
  int low = 0;
  int high = 1 << 20;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (pool.submit<square>(middle / 1024).get() > 300 * 300 ? high : low) = middle;
  }
  std::cout << low / 1024 << '\n';
}

void errors(parrun::Pool& pool, const std::string& file) {
  auto bad = pool.submit<throws_if_odd>(3);
  auto endless = pool.submit(parrun::task<marks_then_sleeps>(file, 1000.0).timeout(500ms));
  auto good = pool.submit<throws_if_odd>(4);
  std::cout << good.get() << '\n';
  tell_error([&] { bad.get(); });
  tell_error([&] { endless.get(); });
  std::cout << parrun::to_string(bad.done().outcome().state) << ' ' << pool.submit<square>(5).get() << '\n';
}

void cancels(parrun::Pool& pool, const std::string& file) {
  Futures running;
  for (int i = 0; i < 2; ++i) running.push_back(pool.submit<marks_then_sleeps>(file, 1000.0));
  await_marks(file, 2);
  Futures waiting;
  for (int i = 0; i < 10; ++i) waiting.push_back(pool.submit<square>(i));
  std::cout << waiting[3].cancel() << running[0].cancel() << running[1].cancel() << '\n';
  tell_error([&] { waiting[3].get(); });
  tell_error([&] { running[0].get(); });
  for (const int i : {0, 4, 9}) std::cout << waiting[static_cast<std::size_t>(i)].get() << ' ';
  std::cout << waiting[4].cancel() << '\n';  // too late
  std::cout << marks_in(file) << " started\n";
  print_squares(pool);
}

// Short ones, while both workers become free for them.
void cancels_in_order(parrun::Pool& pool, const std::string& file) {
  constexpr int kTasks = 20'000;
  Futures first;
  for (int i = 0; i < 2; ++i) first.push_back(pool.submit<waits_for_marks>(file, 3));
  await_marks(file, 2);
  Futures futures;
  for (int i = 0; i < kTasks; ++i) futures.push_back(pool.submit<square>(i));
  mark(file);
  int cancelled = 0;
  for (auto& one : futures) cancelled += one.cancel() ? 1 : 0;
  std::cerr << cancelled << " cancelled\n";
  std::cout << (cancelled > kTasks / 2 ? "most" : "few") << " cancelled\n";
  print_squares(pool);
}

void cancel_on_thread(parrun::Pool& pool, const std::string& file) {
  auto running = pool.submit<marks_then_sleeps>(file, 4.0);
  await_marks(file, 1);
  std::cout << running.cancel() << '\n';
  tell_error([&] { std::cout << running.get() << '\n'; });
}

void completed(parrun::Pool& pool, const std::string& /*file*/) {
  Futures futures;
  for (const int ms : {900, 1, 450}) futures.push_back(pool.submit<sleeps_ms>(ms));
  futures[1].wait();
  for (auto& future : parrun::as_completed(futures)) std::cout << future.get() << ' ';
  std::cout << '\n';
  Futures many;
  for (int i = 0; i < 3000; ++i) many.push_back(pool.submit<square>(1));
  int sum = 0;
  for (auto& future : parrun::as_completed(many)) sum += future.get();
  std::cout << sum << '\n';
}

void other_calls(parrun::Pool& pool, const std::string& file) {
  auto slow = pool.submit<marks_then_sleeps>(file, 0.5);
  print_squares(pool);
  std::cout << slow.ready() << ' ';
  auto slower = pool.submit<marks_then_sleeps>(file, 1.0);
  tell_error([&] { pool.map(tasks_of<square>({1}), {.deadline = 200ms}); });
  slower.wait();
  auto range = pool.unordered(tasks_of<square>({1, 2, 3}));
  auto first = range.begin();
  tell_error([&] { pool.submit<square>(1); });
  (*first).value();
}

void dropped(parrun::Pool& pool, const std::string& file) {
  { const auto dropped = pool.submit<marks_then_sleeps>(file, 0.01); }
  std::cout << pool.submit<square>(6).get() << '\n';
  await_marks(file, 1);
  tell_error([] { parrun::Future<int>().get(); });
}

parrun::Future<int> survivor;

void outlives(parrun::Pool& pool, const std::string& file) {
  survivor = pool.submit<marks_then_sleeps>(file, 1000.0);
}

// On a lone rank, whose thread executes the task.
void used_by_a_task(parrun::Pool& pool, const std::string& /*file*/) {
  pool_of_tasks = &pool;
  std::cout << pool.submit<uses_the_pool>(2).done().outcome().error << '\n';
  print_squares(pool);
}

void other_thread(parrun::Pool& pool, const std::string& /*file*/) {
  auto slow = pool.submit<sleeps_ms>(300);
  std::thread([&] {
    tell_error([&] { pool.map(tasks_of<square>({1})); });
    tell_error([&] { pool.submit<square>(1); });
    tell_error([&] { pool.share(1.0); });
    tell_error([&] { slow.get(); });
    tell_error([&] { slow.cancel(); });
  }).join();
  std::cout << slow.get() << '\n';
  auto results = pool.unordered(tasks_of<sleeps_ms>({300}));
  std::thread([&] { tell_error([&] { results.begin(); }); }).join();
  for (auto&& done : results) std::cout << done.value() << '\n';
  print_squares(pool);
}

void limit_on_thread(parrun::Pool& pool, const std::string& file) {
  auto stuck = pool.submit(parrun::task<marks_then_sleeps>(file, 1000.0).timeout(300ms));
  auto other = pool.submit<marks_then_sleeps>(file, 1000.0);
  tell_error([&] { other.get(); });
  tell_error([&] { stuck.get(); });
  tell_error([&] { pool.submit<square>(1); });
}

}  // namespace

int main(int argc, char** argv) {
  const int code = run(argc, argv,
                       {{"any_order", any_order},
                        {"bisects", bisects},
                        {"errors", errors},
                        {"cancels", cancels},
                        {"cancels_in_order", cancels_in_order},
                        {"cancel_on_thread", cancel_on_thread},
                        {"completed", completed},
                        {"other_calls", other_calls},
                        {"dropped", dropped},
                        {"used_by_a_task", used_by_a_task},
                        {"other_thread", other_thread},
                        {"outlives", outlives},
                        {"limit_on_thread", limit_on_thread}});
  if (survivor.valid()) tell_error([] { survivor.get(); });
  return code;
}
