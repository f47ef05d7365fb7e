#include "run/worker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#include "base/backoff.hpp"
#include "base/duration.hpp"
#include "core/limit_watch.hpp"
#include "core/outcome.hpp"

namespace parrun {
namespace {

// Output is kept in memory: an endless one must not take a node's.
constexpr ResourceLimits kBound{.memory_bytes = {}, .cpu = {}, .output_bytes = std::uint64_t{1} << 30};

// REQUIRES: it has a limit.
std::string limit_text(const Executor::Current& current) {
  return fmt::format("reached its limit of {}", format_duration(*current.limit));
}

}  // namespace

// The table of shared values is the processes' where there are some: they were forked with it.
Worker::Worker(Transport& transport, Executor* processes)
    : transport_(transport),
      processes_(processes),
      threads_(processes != nullptr ? nullptr : std::make_unique<Executor>(std::make_unique<ThreadBody>())),
      active_(processes != nullptr ? processes : threads_.get()),
      keeper_(active_->shares()) {}

void Worker::send(const FromWorker& message) { transport_.send(Rank(0), encode(message)); }

bool Worker::turn(TimePoint now) {
  bool busy = false;
  const Duration away = now - std::exchange(last_turn_, now);
  if (away > LimitWatch::kPause) heard_ += away;
  while (auto message = transport_.receive()) {
    busy = true;
    heard_ = now;
    if (!message->complete) break;  // so large that one is enough for a turn
    const FromDispatcher decoded = decode_from_dispatcher(message->bytes);
    std::visit(
        [&](const auto& alternative) {
          if constexpr (std::is_same_v<decltype(alternative), const Give&>) {
            on(alternative, message->bytes);
          } else {
            on(alternative);
          }
        },
        decoded);
  }
  if (broken_ || leaving_) return busy;
  try {
    feed();
    busy = execute(now) || busy;
  } catch (const std::runtime_error& error) {
    broken_ = true;
    take(active_->take_ended(), now);
    if (!ended_.empty()) report(now);
    send(Trouble{error.what()});
  }
  return busy;
}

bool Worker::orphaned(TimePoint now) const {
  return run_.orphaned_after && !leaving_ && now > heard_ + *run_.orphaned_after;
}

void Worker::await(Duration limit) {
  if (supplied()) return active_->nap(kCollect);
  active_->await(active_->has_tasks() ? Backoff::kLongest : limit);
}

// Messages.

void Worker::on(const Prepare& /*prepare*/) {
  if (processes_ != nullptr) processes_->prepare();
}

void Worker::on(const Begin& begin) {
  run_ = begin;
  run_.resources = run_.resources.or_else(kBound);
  begins_nothing_ = false;
  stopping_ = false;
  ended_ = {};
  overran_.reset();
  told_.reset();
  if (run_.threads) use_threads();
  for (Executor* const executor : {processes_, threads_.get()}) {
    if (executor != nullptr) executor->set_terms(terms(), run_.timeout);
  }
}

AttemptTerms Worker::terms() const {
  return {.json_values = run_.json_values,
          .rank = transport_.rank().get(),
          .ranks = transport_.ranks(),
          .resources = run_.resources,
          .most_value_bytes = run_.most_value_bytes};
}

void Worker::on(const Give& give, const SharedBytes& message) {
  if (give.epoch != run_.epoch || stopping_) return;  // of a run that was stopped meanwhile
  for_each_order(give.orders, [&](const AttemptOrder& order, BytesView frame) {
    GivenTask task = given_task(order, message.part(frame));
    if (waiting_.empty() && may_begin(task)) {
      begin(std::move(task));
    } else {
      waiting_.push_back(std::move(task));
    }
  });
}

void Worker::on(const Recall& recall) {
  if (recall.epoch != run_.epoch) return;
  Returned returned{recall.epoch, {}};
  while (returned.tasks.size() < recall.count && !waiting_.empty()) {
    returned.tasks.push_back(waiting_.back().id.task);
    waiting_.pop_back();
  }
  for (const GivenTask& task : active_->take_back(recall.count - returned.tasks.size()))
    returned.tasks.push_back(task.id.task);
  send(returned);
}

// What has not started is forgotten; what executes is ended in this turn, and its outcome comes like any
// other.
void Worker::on(const Stop& stop) {
  if (stop.epoch != run_.epoch) return;
  stopping_ = true;
  patience_ = stop.patience;
  stop_begin_.reset();
  waiting_.clear();
  active_->take_back(std::numeric_limits<std::size_t>::max());
}

// Of a task that executes the outcome comes like any other, when it has ended. What is taken back first
// cannot start meanwhile.
void Worker::on(const Cancel& cancel) {
  if (cancel.epoch != run_.epoch) return;
  hold_back();
  const auto task =
      std::ranges::find(waiting_, cancel.task, [](const GivenTask& one) { return one.id.task; });
  if (task != waiting_.end()) {
    ended_.add(encode(unfinished(task->id, State::cancelled, kCancelledUnstarted)), 0);
    waiting_.erase(task);
  } else if (const auto current = active_->current(); current && current->attempt.task == cancel.task) {
    active_->kill(current->attempt, State::cancelled, "was cancelled");
  }
}

void Worker::on(const Bye& /*bye*/) {
  leaving_ = true;
  keeper_.let_go();
  drop_released();
  if (processes_ != nullptr) processes_->part();
  send(Farewell{});
}

void Worker::on(const ShareBytes& piece) {
  if (const auto answer = keeper_.on(piece)) send(*answer);
}

void Worker::on(const Unshare& unshare) {
  keeper_.on(unshare);
  drop_released();
}

void Worker::drop_released() {
  if (processes_ != nullptr) processes_->drop_released();
  if (threads_) threads_->drop_released();
}

// Tasks.

// A rank without processes has its thread for commands too.
Executor& Worker::executor_for(const GivenTask& task) {
  const bool on_thread = processes_ == nullptr || (run_.threads && !task.is_command);
  return on_thread ? *threads_ : *processes_;
}

void Worker::use_threads() {
  if (!threads_) threads_ = std::make_unique<Executor>(std::make_unique<ThreadBody>(active_->shares()));
}

void Worker::tell(const Heard& heard) {
  begins_nothing_ = true;
  hold_back();
  send(heard);
}

// What has not started waits here.
void Worker::hold_back() {
  for (GivenTask& task : active_->take_back(std::numeric_limits<std::size_t>::max()))
    waiting_.push_front(std::move(task));
}

// One executor at a time is active, so one task at a time executes here.
bool Worker::may_begin(const GivenTask& task) {
  return !begins_nothing_ && (&executor_for(task) == active_ || !active_->has_tasks());
}

void Worker::begin(GivenTask&& task) {
  active_ = &executor_for(task);
  active_->give(std::move(task));
}

void Worker::feed() {
  for (; !waiting_.empty() && may_begin(waiting_.front()); waiting_.pop_front())
    begin(std::move(waiting_.front()));
}

// A large outcome is reported at once.
void Worker::take(EndedTasks ended, TimePoint now) {
  const std::unique_ptr<EndedTasks::Large> large = ended.take_large();
  if (!ended.empty()) ended_.add(std::move(ended));
  if (large) report_with(std::move(*large), now);
}

bool Worker::execute(TimePoint now) {
  EndedTasks ended = active_->turn(now);
  const bool busy = !ended.empty();
  take(std::move(ended), now);
  // Half of what is at hand has ended: what comes next must be there when the other half has too.
  const bool half = stopping_ || ended_.size() >= active_->waiting();
  const bool enough = now >= last_report_ + kCollect || ended_.bytes() >= kReportBytes;
  if (!ended_.empty() && (half || enough)) report(now);
  if (stopping_) {
    go_on_stopping(now);
  } else {
    watch_limit(now);
  }
  tell_if_due(now);
  return busy;
}

void Worker::go_on_stopping(TimePoint now) {
  const bool ended = !active_->has_tasks();
  bool can_end = true;
  if (const std::optional<Executor::Current> current = active_->current()) {
    can_end = overran_ == current->attempt
                  ? active_->kill(current->attempt, State::timed_out, limit_text(*current))
                  : active_->kill(current->attempt, State::cancelled, "the run was stopped");
  }
  if (!stop_begin_) stop_begin_ = now;
  if (!ended && (can_end || active_->owes() || now < *stop_begin_ + patience_)) return;
  send(Stopped{run_.epoch, ended});
  stopping_ = false;
}

void Worker::watch_limit(TimePoint now) {
  const std::optional<Executor::Current> current = active_->current();
  if (!current || current->ending || !current->limit || now < current->since + *current->limit) return;
  if (run_.kill_overrunning) {
    const bool killed = active_->kill(current->attempt, State::timed_out, limit_text(*current));
    if (killed) report(now);  // much output takes long: the dispatcher is not to take that for its limit
  } else if (overran_ != current->attempt) {
    overran_ = current->attempt;
    report(now);
  }
}

void Worker::tell_if_due(TimePoint now) {
  const std::optional<Executor::Current> current = active_->current();
  const bool news =
      current && !current->ending && current->attempt != told_ && now >= current->since + kWorthTelling;
  if (news || now >= last_report_ + kHeartbeat) report(now);
}

// What is told besides outcomes.
Report Worker::look(TimePoint now) {
  Report message{.epoch = run_.epoch, .finished = {}, .executing = {}};
  told_.reset();
  if (const std::optional<Executor::Current> current = active_->current(); current && !current->ending) {
    message.executing = Report::Executing{.task = current->attempt.task,
                                          .attempt = current->attempt.attempt,
                                          .running = now - current->since,
                                          .limit = current->limit,
                                          .overran = overran_ == current->attempt};
    told_ = current->attempt;
  }
  last_report_ = now;
  return message;
}

void Worker::report(TimePoint now) {
  const Report message = look(now);
  auto [outcomes, retries] = std::exchange(ended_, {}).take();
  transport_.send(Rank(0), encode(std::move(outcomes), retries, message));
}

// By itself: together with others it would be copied.
void Worker::report_with(EndedTasks::Large large, TimePoint now) {
  if (!ended_.empty()) report(now);
  transport_.send(Rank(0), encode(std::move(large.outcome), large.retries, look(now)));
}

}  // namespace parrun
