#include "core/scheduler.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace parrun {

namespace {
// The mean follows changes of the tasks' durations within some tens of outcomes.
constexpr double kMeanWeight = 1.0 / 16;
}  // namespace

void Scheduler::add_worker(Rank rank) {
  const auto index = static_cast<std::size_t>(rank.get());
  if (index >= workers_.size()) workers_.resize(index + 1);
  if (workers_[index].present) return;
  workers_[index].present = true;
  ++present_;
  consider(rank);
}

// Queues the worker for tasks if one batch or less is left to it.
void Scheduler::consider(Rank rank) {
  Worker& candidate = worker(rank);
  if (!candidate.present || candidate.load > batch_size()) return;
  if (candidate.load == 0) {
    if (!std::exchange(candidate.idle, true)) idle_.push_back(rank);
  } else {
    if (!std::exchange(candidate.hungry, true)) hungry_.push_back(rank);
  }
}

void Scheduler::load(Rank rank) {
  if (worker(rank).load++ == 0) ++busy_;
}

void Scheduler::unload(Rank rank) {
  if (--worker(rank).load == 0) --busy_;
}

std::size_t Scheduler::batch_size() const {
  const std::uint64_t share = ready_count() / (2 * std::max<std::size_t>(present_, 1));
  return std::max<std::size_t>(1, std::min<std::uint64_t>(batch_limit_, share));
}

std::optional<Scheduler::Grant> Scheduler::next_grant() {
  while (has_ready() && !(idle_.empty() && hungry_.empty())) {
    const bool from_idle = !idle_.empty();  // what came back from a recall is theirs
    std::deque<Rank>& queue = from_idle ? idle_ : hungry_;
    const Rank rank = queue.front();
    queue.pop_front();
    Worker& candidate = worker(rank);
    (from_idle ? candidate.idle : candidate.hungry) = false;
    // The queue may be older than the worker's state: it was filled, or lost, since.
    if (!candidate.present || candidate.load > batch_size()) continue;
    // An idle worker gets two: one to run, one at hand when that ends.
    const std::size_t wanted = candidate.load == 0 ? 2 * batch_size() : batch_size();
    const std::uint64_t fair = std::max<std::uint64_t>(1, ready_count() / present_);
    return Grant{rank, static_cast<std::size_t>(std::min<std::uint64_t>(wanted, fair))};
  }
  return std::nullopt;
}

Assignment Scheduler::take(Rank rank) {
  Assignment next{TaskId(next_fresh_), 1};
  if (returned_.empty()) {
    ++next_fresh_;
  } else {
    next = returned_.front();
    returned_.pop_front();
  }
  flights_.emplace(next.task, Flight{rank, next.attempt});
  load(rank);
  consider(rank);
  return next;
}

Scheduler::Verdict Scheduler::on_outcome(Rank rank, Assignment ended, double elapsed_s, int retries) {
  const auto flight = flights_.find(ended.task);
  if (flight == flights_.end() || flight->second.worker != rank || flight->second.attempt != ended.attempt) {
    return Verdict::ignored;
  }
  flights_.erase(flight);
  unload(rank);
  mean_s_ = measured_ ? mean_s_ + (elapsed_s - mean_s_) * kMeanWeight : elapsed_s;
  measured_ = true;
  const double fitting = kWorkPerMessage_s / std::max(mean_s_, 1e-9);
  batch_limit_ =
      std::min({static_cast<std::size_t>(std::min(fitting, 1e9)) + 1, 2 * batch_limit_, kMaxBatch});
  const bool again = ended.attempt <= retries;
  if (again) {
    returned_.push_back({ended.task, ended.attempt + 1});
  } else {
    ++done_;
  }
  consider(rank);
  return again ? Verdict::retry : Verdict::final;
}

void Scheduler::on_returned(Rank rank, const std::vector<TaskId>& tasks) {
  worker(rank).recalling = false;
  for (const TaskId task : tasks) {
    const auto flight = flights_.find(task);
    if (flight == flights_.end() || flight->second.worker != rank) continue;
    returned_.push_back({task, flight->second.attempt});
    flights_.erase(flight);
    unload(rank);
  }
  consider(rank);
}

std::vector<Assignment> Scheduler::on_worker_lost(Rank rank) {
  std::vector<Assignment> lost;
  for (const auto& [task, flight] : flights_) {
    if (flight.worker == rank) lost.push_back({task, flight.attempt});
  }
  std::sort(lost.begin(), lost.end(),
            [](const Assignment& a, const Assignment& b) { return a.task < b.task; });
  for (const Assignment& one : lost) flights_.erase(one.task);
  returned_.insert(returned_.end(), lost.begin(), lost.end());
  if (worker(rank).present) --present_;
  if (worker(rank).load > 0) --busy_;
  // Its places in the queues are skipped when they come up.
  worker(rank) = Worker{.idle = worker(rank).idle, .hungry = worker(rank).hungry};
  return lost;
}

std::optional<Scheduler::Grant> Scheduler::next_recall() {
  const auto present = [&](Rank rank) { return worker(rank).present; };
  if (has_ready() || std::none_of(idle_.begin(), idle_.end(), present)) return std::nullopt;
  Worker* fullest = nullptr;
  for (Worker& candidate : workers_) {
    if (candidate.recalling) return std::nullopt;  // one at a time: its answer may be enough
    if (candidate.load > 1 && (fullest == nullptr || candidate.load > fullest->load)) fullest = &candidate;
  }
  if (fullest == nullptr) return std::nullopt;
  fullest->recalling = true;
  return Grant{Rank(static_cast<int>(fullest - workers_.data())),
               std::max<std::size_t>(1, fullest->load / 2)};
}

std::optional<Assignment> Scheduler::attempt_at(Rank rank, TaskId task) const {
  const auto flight = flights_.find(task);
  if (flight == flights_.end() || flight->second.worker != rank) return std::nullopt;
  return Assignment{task, flight->second.attempt};
}

void Scheduler::check_invariants() const {
  const auto require = [](bool holds, const char* what) {
    if (!holds) throw std::logic_error(what);
  };
  require(next_fresh_ <= known_, "(1) a task was given that is not known");
  require(returned_.size() + flights_.size() + done_ == next_fresh_,
          "(1) a task is in none or two of the places");
  for (const Assignment& waiting : returned_) {
    require(!flights_.contains(waiting.task), "(1) a returned task is in flight");
  }
  std::vector<std::size_t> load(workers_.size());
  for (const auto& [task, flight] : flights_) ++load[static_cast<std::size_t>(flight.worker.get())];
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    require(load[i] == workers_[i].load, "(2) a worker's load is not what is in flight there");
    require(workers_[i].present || workers_[i].load == 0, "(2) an absent worker has tasks");
  }
  require(busy_ ==
              static_cast<std::size_t>(std::count_if(load.begin(), load.end(), [](auto n) { return n > 0; })),
          "(2) the number of busy workers is not that of workers with tasks");
}

}  // namespace parrun
