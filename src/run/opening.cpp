#include "run/opening.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

#include "base/exit_code.hpp"
#include "base/in_background.hpp"
#include "base/launcher.hpp"
#include "exec/registry.hpp"
#include "parrun/errors.hpp"

namespace parrun {
namespace {

// By a signal, for there is no other thread yet.
class LoadLimit {
 public:
  explicit LoadLimit(TimePoint limit) {
    speaks_ = launcher_rank() == 0;
    struct sigaction ending {};
    ending.sa_handler = [](int) { end(); };
    sigaction(SIGALRM, &ending, &before_);
    set(std::max<Duration>(limit - Clock::now(), std::chrono::milliseconds(1)));
  }
  LoadLimit(const LoadLimit&) = delete;
  LoadLimit& operator=(const LoadLimit&) = delete;
  ~LoadLimit() {
    set(Duration::zero());
    sigaction(SIGALRM, &before_, nullptr);
  }

 private:
  [[noreturn]] static void end() {
    constexpr std::string_view kWhy =
        "parrun: the run reached its limit while its modules were loaded (--load)\n";
    if (speaks_) [[maybe_unused]]
      const ssize_t written = write(STDERR_FILENO, kWhy.data(), kWhy.size());
    _exit(exit_code::kLimitReached);
  }
  static void set(Duration span) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(span).count();
    constexpr decltype(us) kSecond = 1'000'000;
    const itimerval once{.it_interval = {}, .it_value = {.tv_sec = us / kSecond, .tv_usec = us % kSecond}};
    setitimer(ITIMER_REAL, &once, nullptr);
  }

  static inline bool speaks_ = false;
  struct sigaction before_ {};
};

}  // namespace

std::string load_modules(const std::vector<std::string>& modules, TimePoint limit) {
  if (modules.empty()) return {};
  const LoadLimit load_limit(limit);
  try {
    for (const std::string& module : modules) load_module(module);
    return {};
  } catch (const InputError& error) {
    return error.what();
  }
}

void require_functions(const BatchFile& batch, const std::string& path) {
  for (const std::string& name : batch.functions()) {
    if (find_function(name) != nullptr) continue;
    throw InputError(fmt::format(
        "{} calls the task function '{}', which this parrun does not have; give --load its module", path,
        name));
  }
}

OpeningBatch open_batch(const std::string& path) {
  auto checked = std::make_shared<std::atomic<std::uint64_t>>(0);
  return {in_background([path, checked] { return std::make_shared<BatchFile>(path, checked.get()); }),
          checked};
}

template <typename T>
T Opening::await(std::future<T> result, const std::function<void()>& look) {
  watch_.on_wait(Clock::now());
  wait_for_([&] {
    look();
    return is_ready(result);
  });
  watch_.on_rest();
  return result.get();
}

std::shared_ptr<BatchFile> Opening::batch(OpeningBatch opening) {
  std::uint64_t seen = 0;
  return await(std::move(opening.file), [&] {
    const std::uint64_t checked = opening.checked->load(std::memory_order_relaxed);
    if (std::exchange(seen, checked) != checked) watch_.on_outcome(Clock::now());
  });
}

Opening::Record Opening::record(record::OpenOptions options, int ranks, record::BatchIdentity batch) {
  options.ranks = ranks;
  return await(in_background([options = std::move(options), batch = std::move(batch)] {
    return Record{record::RecordFile(options, batch), file_system_of(options.path)};
  }));
}

std::vector<TaskId> Opening::longest_first(std::shared_ptr<const BatchFile> batch) {
  return await(in_background([batch = std::move(batch)] {
    const std::vector<float> costs = batch->costs();
    std::vector<TaskId> order;
    if (std::ranges::all_of(costs, [](float cost) { return std::isinf(cost); })) return order;
    order.reserve(costs.size());
    for (std::uint64_t task = 0; task < costs.size(); ++task) order.emplace_back(task);
    std::ranges::stable_sort(order, std::greater<>(), [&](TaskId task) { return costs[task.get()]; });
    return order;
  }));
}

Begin begin_of(const RunOptions& options, const Crew& crew) {
  return {.epoch = 1,  // the only one
          .timeout = options.limits.timeout,
          .json_values = true,
          .threads = options.threads,
          .kill_overrunning = options.kill_overrunning,
          .resources = options.resources,
          .grace = options.grace,
          .orphaned_after = crew.orphaned_after(),
          .most_value_bytes = options.record ? record::kMostValueBytes : 0};
}

Dispatcher::StartingPoint starting_point(const record::Settled& settled, Shard shard, std::uint64_t tasks) {
  Dispatcher::StartingPoint from{.left_out = settled.tasks, .durations = settled.durations};
  if (shard.whole()) return from;
  for (TaskId task(0); task.get() < tasks; task = TaskId(task.get() + 1)) {
    if (!shard.contains(task)) from.left_out.insert(task);
  }
  from.elsewhere = tasks - shard.tasks_below(tasks);
  return from;
}

// A limit that ended an earlier run does not end this one.
int code_of_finished(const record::Settled& settled) {
  for (const int code : {0, exit_code::kSomeTaskFailed}) {
    if (settled.exit_code == code) return code;
  }
  return settled.by_state[State::succeeded] == settled.tasks.count() ? 0 : exit_code::kSomeTaskFailed;
}

}  // namespace parrun
