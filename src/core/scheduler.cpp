#include "core/scheduler.hpp"

#include <algorithm>
#include <iterator>
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

void Scheduler::add_tasks(std::uint64_t count) {
  if (count == 0) return;
  known_ += count;
  const std::uint64_t settled = settled_.count_below(TaskId(known_)) - known_settled_;
  known_settled_ += settled;
  done_ += settled;
  fresh_ += count - settled;
}

// Queues the worker for tasks if one batch or less is left to it.
void Scheduler::consider(Rank rank) {
  Worker& candidate = worker(rank);
  const bool has_none = candidate.load == 0;
  bool& queued = has_none ? candidate.idle : candidate.hungry;
  if (queued || !candidate.present || candidate.load > batch_limit_ || candidate.load > batch_size()) return;
  queued = true;
  (has_none ? idle_ : hungry_).push_back(rank);
}

// The attempt is under way no longer; its task is in none of the places until it is put into one.
Scheduler::Attempt Scheduler::land(TaskId task) {
  const Flight& flight = *flights_.find(task.get());
  Worker& there = worker(flight.worker);
  const Attempt attempt = flight.attempt;
  flights_.erase(task.get());
  if (--there.load == 0) --busy_;
  if (there.load == 1) --stocked_;
  if (attempt.shuns && --there.shunning[*attempt.shuns] == 0) there.shunning.erase(*attempt.shuns);
  return attempt;
}

std::size_t Scheduler::batch_size() const {
  const std::size_t parts = 2 * std::max<std::size_t>(present_, 1);
  if (ready_count() >= parts * batch_limit_) return batch_limit_;
  return std::max<std::size_t>(1, ready_count() / parts);
}

// All that is ready, without what shuns this worker while another one is there.
std::uint64_t Scheduler::ready_count_for(Rank rank) const {
  if (shunned_count_ == 0 || present_ == 1) return ready_count();
  const auto shunning = shunned_.find(rank);
  return ready_count() - (shunning == shunned_.end() ? 0 : shunning->second.size());
}

// Each has more than a batch at hand; half of one, for durations differ.
Duration Scheduler::supplied_for() const {
  if (!idle_.empty() || !hungry_.empty()) return {};
  return from_seconds(mean_executing_s_ * static_cast<double>(batch_limit_) / 2);
}

std::optional<Scheduler::Grant> Scheduler::next_grant() {
  if (!has_ready()) return std::nullopt;
  std::optional<Rank> rank = pop_worker(idle_, &Worker::idle);
  // Somebody who is idle still may take nothing of what is ready. If others took it who have enough to do,
  // they would be asked to give it back, again and again.
  if (!rank && idle_workers() == 0) rank = pop_worker(hungry_, &Worker::hungry);
  if (!rank) return std::nullopt;
  // An idle worker gets two: one to run, one at hand when that ends.
  const std::size_t wanted = worker(*rank).load == 0 ? 2 * batch_size() : batch_size();
  const std::uint64_t fair = std::max<std::uint64_t>(1, ready_count_for(*rank) / present_);
  return Grant{*rank, static_cast<std::size_t>(std::min<std::uint64_t>(wanted, fair))};
}

// The first in the queue that may take something. One that may not, of which there is at most one, stays.
std::optional<Rank> Scheduler::pop_worker(std::deque<Rank>& queue, bool Worker::*stands_in_it) {
  for (std::size_t left = queue.size(); left > 0; --left) {
    const Rank rank = queue.front();
    queue.pop_front();
    Worker& candidate = worker(rank);
    // The queue may be older than the worker's state: it was filled, or lost, since.
    const bool stale = !candidate.present || candidate.load > batch_size();
    if (!stale && !has_ready_for(rank)) {
      queue.push_back(rank);
      continue;
    }
    candidate.*stands_in_it = false;
    if (!stale) return rank;
  }
  return std::nullopt;
}

Assignment Scheduler::take(Rank rank) {
  Worker& there = worker(rank);
  if (there.load++ == 0) ++busy_;
  if (there.load == 2) ++stocked_;
  const std::optional<Attempt> again = pop_again_for(rank);
  const TaskId task = again ? again->id.task : pop_fresh();
  Flight& flight = flights_.add(task.get());
  flight.worker = rank;
  if (again) {
    flight.attempt = *again;
    if (again->shuns) ++there.shunning[*again->shuns];
  } else {
    flight.attempt.id.task = task;
  }
  consider(rank);
  return flight.attempt.id;
}

// Whom it shuns is forgotten: what is aside is there for want of time, not for a worker's sake.
void Scheduler::set_aside(Rank rank, TaskId task) {
  if (!attempt_at(rank, task)) return;
  Attempt attempt = land(task);
  attempt.shuns.reset();
  aside_.push_back(attempt);
  consider(rank);
}

void Scheduler::bring_back() {
  std::move(aside_.begin(), aside_.end(), std::back_inserter(returned_));
  aside_.clear();
}

// Of what came back, what shuns another worker comes first: the rest is for everybody.
std::optional<Scheduler::Attempt> Scheduler::pop_again_for(Rank rank) {
  if (shunned_count_ == 0 && returned_.empty()) return std::nullopt;
  auto shunned = shunned_.begin();
  if (shunned != shunned_.end() && shunned->first == rank && present_ > 1) ++shunned;
  if (shunned == shunned_.end() && returned_.empty()) return std::nullopt;
  std::deque<Attempt>& queue = shunned == shunned_.end() ? returned_ : shunned->second;
  const Attempt next = queue.front();
  queue.pop_front();
  if (shunned == shunned_.end()) return next;
  --shunned_count_;
  if (queue.empty()) shunned_.erase(shunned);
  return next;
}

TaskId Scheduler::pop_fresh() {
  --fresh_;
  if (!order_.empty()) {
    while (settled_.contains(order_[next_in_order_])) ++next_in_order_;
    return order_[next_in_order_++];
  }
  const TaskId task = settled_.next_absent(next_fresh_);
  next_fresh_ = TaskId(task.get() + 1);
  return task;
}

void Scheduler::make_ready(const Attempt& attempt) {
  if (!attempt.shuns) return returned_.push_back(attempt);
  shunned_[*attempt.shuns].push_back(attempt);
  ++shunned_count_;
}

void Scheduler::make_retry_ready(const Attempt& attempt) {
  make_ready(attempt);
  shun_ends_.push_back({now_ + kShunFor, {attempt.shuns.value(), attempt.id}});
}

void Scheduler::advance(TimePoint now) {
  now_ = std::max(now_, now);
  const auto due_end = delayed_.upper_bound(now_);
  for (auto due = delayed_.begin(); due != due_end; ++due) make_retry_ready(due->second);
  delayed_.erase(delayed_.begin(), due_end);
  for (; !shun_ends_.empty() && shun_ends_.front().first <= now_; shun_ends_.pop_front()) {
    end_shun(shun_ends_.front().second);
  }
}

// The attempt waits, or is under way, perhaps behind a long one from where it can be recalled, or is over.
void Scheduler::end_shun(const ShunEnd& end) {
  Flight* flight = flights_.find(end.attempt.task.get());
  if (flight != nullptr && flight->attempt.id == end.attempt) {
    if (!flight->attempt.shuns) return;  // it was aside meanwhile
    Worker& there = worker(flight->worker);
    if (--there.shunning[end.shunned] == 0) there.shunning.erase(end.shunned);
    flight->attempt.shuns.reset();
    return;
  }
  const auto list = shunned_.find(end.shunned);
  if (list == shunned_.end()) return;
  // The oldest stands in front, but for what was recalled.
  std::deque<Attempt>& queue = list->second;
  const auto waiting = std::find_if(queue.begin(), queue.end(),
                                    [&](const Attempt& attempt) { return attempt.id == end.attempt; });
  if (waiting == queue.end()) return;
  returned_.push_back({.id = waiting->id, .failures = waiting->failures, .shuns = {}});
  queue.erase(waiting);
  --shunned_count_;
  if (queue.empty()) shunned_.erase(list);
}

void Scheduler::measure(const Took& took) {
  const double weight = std::exchange(measured_, true) ? kMeanWeight : 1;
  mean_executing_s_ += (took.executing_s - mean_executing_s_) * weight;
  mean_s_ += (took.executing_s + took.way_s - mean_s_) * weight;
  const bool short_ones = mean_s_ * kMaxBatch < kWorkPerMessage_s;
  const std::size_t fitting =
      short_ones ? kMaxBatch : static_cast<std::size_t>(kWorkPerMessage_s / mean_s_) + 1;
  batch_limit_ = std::min({fitting, 2 * batch_limit_, kMaxBatch});
}

Scheduler::Verdict Scheduler::on_outcome(Rank rank, Assignment ended, const Took& took, int retries,
                                         TimePoint retry_at) {
  const Flight* flight = flights_.find(ended.task.get());
  if (flight == nullptr || flight->worker != rank || flight->attempt.id != ended) return Verdict::ignored;
  measure(took);
  const int failures = land(ended.task).failures + 1;  // where it succeeded no retries are left
  const bool again = failures <= retries;
  const Attempt next{.id = {ended.task, ended.attempt + 1}, .failures = failures, .shuns = rank};
  if (!again) {
    ++done_;
  } else if (retry_at > now_) {
    delayed_.emplace(retry_at, next);
  } else {
    make_retry_ready(next);
  }
  consider(rank);
  return again ? Verdict::retry : Verdict::final;
}

void Scheduler::on_returned(Rank rank, const std::vector<TaskId>& tasks) {
  answer_recall(rank);
  for (const TaskId task : tasks) {
    if (attempt_at(rank, task)) make_ready(land(task));
  }
  consider(rank);
}

std::vector<Assignment> Scheduler::in_flight_at(Rank rank) const {
  std::vector<Assignment> there;
  flights_.for_each([&](std::uint64_t, const Flight& flight) {
    if (flight.worker == rank) there.push_back(flight.attempt.id);
  });
  std::sort(there.begin(), there.end(),
            [](const Assignment& a, const Assignment& b) { return a.task < b.task; });
  return there;
}

std::vector<Assignment> Scheduler::on_worker_lost(Rank rank) {
  std::vector<Assignment> lost = in_flight_at(rank);
  for (const Assignment& one : lost) {
    Attempt next = land(one.task);
    ++next.id.attempt;
    next.shuns ? make_retry_ready(next) : make_ready(next);
  }
  if (worker(rank).present) --present_;
  // Its places in the queues are skipped when they come up. What shuns it is for everybody from now on.
  worker(rank).present = false;
  answer_recall(rank);
  return lost;
}

void Scheduler::answer_recall(Rank rank) {
  if (std::exchange(worker(rank).recalling, false)) --recalling_;
}

std::optional<Rank> Scheduler::only_idle_worker() {
  if (idle_workers() != 1) return std::nullopt;
  const auto there = [&](Rank rank) { return worker(rank).present && worker(rank).load == 0; };
  const auto found = std::find_if(idle_.begin(), idle_.end(), there);
  return found == idle_.end() ? std::nullopt : std::optional(*found);
}

std::optional<Scheduler::Grant> Scheduler::next_recall() {
  // One at a time: its answer may be enough.
  if (idle_workers() == 0 || stocked_ == 0 || recalling_ > 0) return std::nullopt;
  const std::optional<Rank> only = only_idle_worker();  // two of them may take anything
  if (only ? has_ready_for(*only) : has_ready()) return std::nullopt;
  Worker* fullest = nullptr;
  std::size_t most = 0;  // tasks that an idle worker may take
  for (std::size_t looked = 0; looked < workers_.size(); ++looked) {
    if (fullest != nullptr && looked >= kLooksForRecall) break;
    next_look_ = (next_look_ + 1) % workers_.size();
    Worker& candidate = workers_[next_look_];
    if (candidate.load < 2) continue;  // the one it has runs
    const auto barred = only ? candidate.shunning.find(*only) : candidate.shunning.end();
    const std::size_t fit = candidate.load - (barred == candidate.shunning.end() ? 0 : barred->second);
    if (fit <= most) continue;
    fullest = &candidate;
    most = fit;
  }
  if (fullest == nullptr) return std::nullopt;
  fullest->recalling = true;
  ++recalling_;
  return Grant{Rank(static_cast<int>(fullest - workers_.data())), fullest->load / 2};
}

std::optional<Rank> Scheduler::worker_of(TaskId task) const {
  const Flight* flight = flights_.find(task.get());
  return flight != nullptr ? std::optional(flight->worker) : std::nullopt;
}

std::optional<Assignment> Scheduler::attempt_at(Rank rank, TaskId task) const {
  const Flight* flight = flights_.find(task.get());
  if (flight == nullptr || flight->worker != rank) return std::nullopt;
  return flight->attempt.id;
}

}  // namespace parrun
