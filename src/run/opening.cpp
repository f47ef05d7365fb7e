#include "run/opening.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/exit_code.hpp"
#include "base/in_background.hpp"
#include "batch/task_spec.hpp"
#include "exec/registry.hpp"
#include "parrun/errors.hpp"

namespace parrun {

std::string load_modules(const std::vector<std::string>& modules) {
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

std::future<OpenedRecord> open_record(record::OpenOptions options, int ranks, const std::string& batch_path,
                                      const BatchFile& batch, Shard shard) {
  options.ranks = ranks;
  record::BatchIdentity identity{
      .path = batch_path, .content_hash = batch.content_hash(), .tasks = batch.size(), .shard = shard};
  return in_background([options = std::move(options), identity = std::move(identity)] {
    return OpenedRecord{record::RecordFile(options, identity), file_system_of(options.path)};
  });
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

std::future<std::vector<TaskId>> longest_first(const std::string& batch_path) {
  return in_background([batch_path] {
    BatchFile batch(batch_path);
    std::vector<float> costs;
    std::vector<TaskId> order;
    costs.reserve(batch.size());
    order.reserve(batch.size());
    for (TaskId task(0); task.get() < batch.size(); task = TaskId(task.get() + 1)) {
      const std::optional<double> cost = decode_task_head(batch.payload(task)).cost;
      costs.push_back(cost ? static_cast<float>(*cost) : std::numeric_limits<float>::infinity());
      order.push_back(task);
      batch.release_before(task);
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](TaskId a, TaskId b) { return costs[a.get()] > costs[b.get()]; });
    return order;
  });
}

int code_of_finished(const record::Settled& settled) {
  for (const int code : {0, exit_code::kSomeTaskFailed, exit_code::kLimitReached}) {
    if (settled.exit_code == code) return code;
  }
  return settled.by_state[State::succeeded] == settled.tasks.count() ? 0 : exit_code::kSomeTaskFailed;
}

}  // namespace parrun
