// What the scheduler's decisions cost for each task: with tasks of a second, of which each is given out by
// itself, and with tasks of a microsecond, of which many go out at once. To be flat in the number of workers,
// and of tasks.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <deque>

#include "core/scheduler.hpp"

namespace {

using namespace parrun;

constexpr double kElapsed_s[] = {1e-6, 1};

struct Flight {
  Rank worker;
  Assignment attempt;
};
using Flights = std::deque<Flight>;  // in the order in which they were given

void give_out(Scheduler& scheduler, Flights& flights) {
  while (const auto grant = scheduler.next_grant()) {
    for (std::size_t i = 0; i < grant->count && scheduler.has_ready_for(grant->worker); ++i)
      flights.push_back({grant->worker, scheduler.take(grant->worker)});
  }
  benchmark::DoNotOptimize(scheduler.next_recall());
}

// Arguments: workers, tasks in all, which of kElapsed_s.
void each_task(benchmark::State& state) {
  const auto workers = static_cast<int>(state.range(0));
  const auto tasks = static_cast<std::uint64_t>(state.range(1));
  const double elapsed_s = kElapsed_s[state.range(2)];
  std::uint64_t done = 0;
  for (auto _ : state) {
    Scheduler scheduler;
    for (int rank = 1; rank <= workers; ++rank) scheduler.add_worker(Rank(rank));
    Flights flights;
    scheduler.add_tasks(tasks);
    give_out(scheduler, flights);
    while (!flights.empty()) {
      const Flight flight = flights.front();
      flights.pop_front();
      scheduler.on_outcome(flight.worker, flight.attempt, elapsed_s, 0);
      give_out(scheduler, flights);
    }
    if (scheduler.done() != tasks) state.SkipWithError("tasks are left");
    done += tasks;
  }
  state.counters["each task"] = benchmark::Counter(static_cast<double>(done),
                                                   benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

constexpr std::int64_t kShort = 0;
constexpr std::int64_t kLong = 1;

BENCHMARK(each_task)
    ->ArgNames({"workers", "tasks", "long"})
    ->ArgsProduct({{2, 100, 10'000, 100'000}, {1'000'000}, {kShort, kLong}})
    ->ArgsProduct({{100}, {1'000, 100'000, 100'000'000}, {kShort}})
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
