#include "run/dispatcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/duration.hpp"
#include "base/exit_code.hpp"
#include "base/shown_text.hpp"
#include "core/outcome.hpp"
#include "core/signal_rule.hpp"
#include "run/ending_signals.hpp"

namespace parrun {

Dispatcher::Dispatcher(Crew& crew, TaskSource& source, const Begin& begin, const Retry& retry, Sink sink,
                       StartingPoint from)
    : crew_(crew),
      source_(source),
      epoch_(begin.epoch),
      retry_(retry),
      sink_(std::move(sink)),
      elsewhere_(from.elsewhere),
      scheduler_(std::move(from.left_out), std::move(from.order)),
      durations_(std::move(from.durations)) {
  scheduler_.add_tasks(source_.pull(1));
  crew_.watch().on_rest();  // of an earlier run, which may have been stopped before its end
  for (const Rank worker : crew_.workers()) {
    if (crew_.member(worker).left) continue;  // failed in an earlier run
    crew_.send(worker, begin);
    crew_.watch().on_running(worker, std::nullopt);
    scheduler_.add_worker(worker);
  }
}

bool Dispatcher::turn(TimePoint now) {
  scheduler_.advance(now);
  bool busy = take_messages(now);
  judge_signalled(now);
  take_failed(now);
  hold_fresh();
  if (rests()) crew_.watch().on_rest();
  if (!finished() && !expired_ && !stopping_) {
    if (auto expiry = crew_.expired(now)) expired_ = std::move(expiry);
  }
  if (!expired_ && !stopping_ && !draining_) {
    heed_outer_limit(now);
    busy = give_out(now) || busy;
  }
  return busy;
}

// No task can end: none is in flight, and that is our own doing, the caller's, or asked for (--retry-delay).
// So nothing stalls.
bool Dispatcher::rests() const {
  if (finished()) return true;
  const bool nothing_to_give = scheduler_.done() == scheduler_.known();
  const bool only_later = scheduler_.has_delayed() && !scheduler_.has_ready();
  return scheduler_.in_flight() == 0 && (nothing_to_give || hold_ == Hold::for_caller || only_later);
}

bool Dispatcher::take_messages(TimePoint now) {
  std::size_t taken = 0;
  for (std::size_t size = 0; taken < kTurnBytes && size < kBytesPerMessage; taken += kLeastBytes + size) {
    auto message = crew_.receive(now);
    if (!message) break;
    size = crew_.message().view().size();
    const Rank from = message->first;
    if (const auto* report = std::get_if<Report>(&message->second)) on(from, *report, now);
    if (const auto* large = std::get_if<LargeReport>(&message->second)) on(from, large->report, now);
    if (const auto* returned = std::get_if<Returned>(&message->second)) on(from, *returned);
    if (const auto* stopped = std::get_if<Stopped>(&message->second)) on(from, *stopped);
  }
  crew_.drop_message();
  return taken > 0 || crew_.took_piece();
}

// Messages.

void Dispatcher::on(Rank from, const Report& report, TimePoint now) {
  if (report.epoch != epoch_) return;
  for (const Report::Finished& finished : report.finished) on_finished(from, finished, now);
  on_executing(from, report, now);
}

void Dispatcher::on_finished(Rank from, const Report::Finished& finished, TimePoint now) {
  Ended ended(crew_.message().part(finished.outcome), from, crew_.member(from).host, finished.value_size);
  if (finished.value_size > 0) crew_.drop_message();  // whoever unpacks it takes the value from there
  const int retries = finished.retries >= 0 ? finished.retries : retry_.attempts;
  // A shell passes its command's signal on as an exit code.
  const bool signalled =
      ended.state() == State::failed && EndingSignals::is_one(ended.head().exit_code - exit_code::kSignal);
  if (signalled)
    return signalled_.push_back({std::move(ended).outcome(), retries, now + retry_.judged_after});
  conclude(std::move(ended), retries, now);
}

void Dispatcher::judge_signalled(TimePoint now) {
  if (signalled_.empty()) return;
  const bool cancelled = ends_by_signal();
  const bool certain = cancelled || expired_ || stopping_;
  for (Signalled& one : std::exchange(signalled_, {})) {
    if (!certain && now < one.until) {
      signalled_.push_back(std::move(one));
      continue;
    }
    if (cancelled) one.outcome.state = State::cancelled;
    conclude(std::move(one.outcome), one.retries, now);
  }
}

bool Dispatcher::ends_by_signal() const {
  return draining_ == Drain::for_now || (expired_ && expired_->kind == Expiry::Kind::signal);
}

void Dispatcher::conclude(Ended&& ended, int retries, TimePoint now) {
  const TaskId task = ended.task();
  const bool may_retry =
      !ended.succeeded() && !stopping_ && !expired_ && draining_ != Drain::for_good && !is_cancelled(task);
  const double bytes = mean_order_bytes_ + static_cast<double>(ended.bytes());
  const double way_s = Scheduler::kWorkPerMessage_s * bytes / static_cast<double>(kBytesPerMessage);
  const auto verdict =
      scheduler_.on_outcome(ended.rank(), ended.head().attempt, {ended.head().elapsed_s, way_s},
                            may_retry ? retries : 0, now + retry_.delay);
  if (verdict == Scheduler::Verdict::ignored) return;  // the first outcome of an attempt stands
  crew_.watch().on_outcome(now);
  if (outer_at_) durations_.add(source_.label(task), ended.head().elapsed_s);
  if (verdict == Scheduler::Verdict::retry) {
    Outcome outcome = std::move(ended).outcome();
    sink_.on_retried(outcome);
    return remember(std::move(outcome));
  }
  if (!ended.succeeded()) ++failed_;
  source_.forget(task);
  if (!cancelled_.empty()) cancelled_.erase(task);
  if (!earlier_.empty()) ended = with_earlier(std::move(ended));
  sink_.on_last(std::move(ended));
}

Ended Dispatcher::with_earlier(Ended&& ended) {
  auto node = earlier_.extract(ended.task());
  if (!node) return std::move(ended);
  for (const Outcome& attempt : node.mapped()) remembered_bytes_ -= size_of(attempt);
  Outcome outcome = std::move(ended).outcome();
  outcome.earlier = std::move(node.mapped());
  return Ended(std::move(outcome));
}

// What it wrote is not kept, nor its exception, which is thrown of the last attempt only: rank 0's memory
// must not grow with them.
void Dispatcher::remember(Outcome outcome) {
  for (std::string* text : {&outcome.stdout_text, &outcome.stderr_text, &outcome.error_value})
    std::string().swap(*text);
  if (outcome.error.size() > kMostErrorKept) outcome.error = shortened(outcome.error, kMostErrorKept);
  remembered_bytes_ += size_of(outcome);
  earlier_[outcome.task].push_back(std::move(outcome));
}

void Dispatcher::on_executing(Rank from, const Report& report, TimePoint now) {
  if (!report.executing) return crew_.watch().on_running(from, std::nullopt);
  const Report::Executing& executing = *report.executing;
  const Assignment attempt{executing.task, executing.attempt};
  crew_.watch().on_running(from, Running{attempt, now - executing.running, executing.limit});
  if (!executing.overran || expired_ || scheduler_.attempt_at(from, executing.task) != attempt) return;
  expired_ =
      Expiry{Expiry::Kind::task, from,
             fmt::format("task {} reached its limit of {} on {}", executing.task.get(),
                         format_duration(executing.limit.value_or(executing.running)), crew_.name(from))};
}

void Dispatcher::on(Rank from, const Returned& returned) {
  if (returned.epoch == epoch_) scheduler_.on_returned(from, returned.tasks);
}

void Dispatcher::on(Rank from, const Stopped& stopped) {
  if (stopped.epoch != epoch_ || not_stopped_.erase(from) == 0) return;
  clean_ = clean_ && stopped.clean;
}

// Lost workers.

// All that a lost worker had may have begun, and ended: what it was last known to execute is no more than
// that.
std::vector<Outcome> Dispatcher::lost_at(Rank worker, const std::string& why, TimePoint now) const {
  std::vector<Outcome> lost;
  const std::optional<Running>& running = crew_.watch().running(worker);
  for (const Assignment& attempt : scheduler_.in_flight_at(worker)) {
    Outcome outcome = unfinished(attempt, State::lost, why);
    outcome.rank = worker;
    outcome.host = crew_.member(worker).host;
    if (running && running->attempt == attempt) outcome.elapsed_s = to_seconds(now - running->since);
    outcome.started_s = wall_clock_s() - outcome.elapsed_s;
    lost.push_back(std::move(outcome));
  }
  return lost;
}

void Dispatcher::write_off_silent(const std::string& why, TimePoint now) {
  for (const Rank worker : not_stopped_) {
    for (Outcome& outcome : lost_at(worker, why, now)) conclude(std::move(outcome), 0, now);
  }
}

// Where MPI lets the job go on without a rank, its tasks are given to others.
void Dispatcher::take_failed(TimePoint now) {
  for (const Rank worker : crew_.take_failed()) {
    not_stopped_.erase(worker);
    for (Outcome& outcome : lost_at(worker, "its rank failed", now)) {
      sink_.on_retried(outcome);
      remember(std::move(outcome));
    }
    crew_.watch().on_running(worker, std::nullopt);
    scheduler_.on_worker_lost(worker);
  }
  if (!crew_.abandoned() || expired_ || finished()) return;
  expired_ =
      Expiry{.kind = Expiry::Kind::lost, .rank = crew_.workers().back(), .what = "all workers have failed"};
}

// Giving out.

bool Dispatcher::give_out(TimePoint now) {
  if (!is_held() && !source_.exhausted()) {
    const std::uint64_t wanted = scheduler_.done() + scheduler_.in_flight() + scheduler_.appetite();
    scheduler_.add_tasks(source_.pull(std::max(wanted, scheduler_.known())) - scheduler_.known());
  }
  if (!anything_fits(now)) return false;
  bool any = false;
  while (const auto grant = scheduler_.next_grant()) {
    crew_.watch().on_wait(now);
    give(*grant, now);
    any = true;
    // A worker whose tasks were all set aside is as hungry as before: that must not go on for ever.
    if (!anything_fits(now)) return true;
  }
  if (const auto recall = scheduler_.next_recall()) {
    crew_.send(recall->worker, Recall{epoch_, recall->count});
    any = true;
  }
  return any;
}

void Dispatcher::give(const Scheduler::Grant& grant, TimePoint now) {
  constexpr double kLargestKept = SpareBytes::kLargest;  // of that and more, memory is made when it is known
  const double most = kMessageBytes + std::min(mean_order_bytes_, kLargestKept);
  const double expected = std::min(most, mean_order_bytes_ * static_cast<double>(grant.count));
  GiveWriter message(epoch_, crew_.memory(GiveWriter::kOverhead + static_cast<std::size_t>(expected)));
  const bool all = all_fit(now);
  std::size_t size = 0;  // of the last order
  source_.confirm();
  while (message.count() < grant.count && scheduler_.has_ready_for(grant.worker) && size < kBytesPerMessage &&
         message.bytes() < kMessageBytes) {
    const Assignment next = scheduler_.take(grant.worker);
    if (is_cancelled(next.task)) {
      conclude_unstarted(grant.worker, next, now);
      continue;
    }
    if (!all && !fits(durations_.expected_s(source_.label(next.task)), now)) {
      scheduler_.set_aside(grant.worker, next.task);
      if (!anything_fits(now)) break;
      continue;
    }
    const std::size_t before = message.bytes();
    source_.append_payload(next.task, message.add(next));
    size = message.bytes() - before;
    const double weight = mean_order_bytes_ > 0 ? 1.0 / 16 : 1;
    mean_order_bytes_ += (static_cast<double>(size) - mean_order_bytes_) * weight;
  }
  source_.confirm();
  if (message.count() > 0) crew_.send(grant.worker, std::move(message).take());
}

void Dispatcher::conclude_unstarted(Rank worker, const Assignment& attempt, TimePoint now) {
  Outcome outcome = unfinished(attempt, State::cancelled, kCancelledUnstarted);
  outcome.rank = worker;
  outcome.host = crew_.member(worker).host;
  conclude(std::move(outcome), 0, now);
}

// An outer limit.

bool Dispatcher::fits(std::optional<double> expected_s, TimePoint now) const {
  return !outer_at_ || !expected_s || now + from_seconds(*expected_s) <= *outer_at_;
}

// An expected duration is rounded up, by less than this. Far from the end this is all that is asked.
bool Dispatcher::all_fit(TimePoint now) const {
  constexpr double kRounding = 1.2;
  const std::optional<double> longest_s = durations_.longest_s();
  return fits(longest_s ? std::optional(*longest_s * kRounding) : std::nullopt, now);
}

bool Dispatcher::anything_fits(TimePoint now) const {
  if (all_fit(now)) return true;
  return scheduler_.aside() < kMostAside && fits(durations_.least_expected_s(), now);
}

void Dispatcher::heed_outer_limit(TimePoint now) {
  const std::optional<OuterLimit>& outer = crew_.watch().outer();
  const std::optional<TimePoint> before =
      std::exchange(outer_at_, outer ? std::optional(outer->at) : std::nullopt);
  if (before && (!outer_at_ || *outer_at_ > *before)) {  // there is more time than it seemed
    scheduler_.bring_back();
    recalled_ = false;
  }
  const bool none_fits = !anything_fits(now);
  if (none_fits && !std::exchange(recalled_, true)) {
    crew_.broadcast(Recall{epoch_, std::numeric_limits<std::uint64_t>::max()});
  }
  // What is held for now still comes. What waits for an earlier task does not: that one is aside.
  const bool for_now = hold_ == Hold::for_now || hold_ == Hold::for_caller;
  const bool nothing_comes = !for_now && !scheduler_.has_ready() && !scheduler_.has_delayed();
  const bool nothing_else = none_fits || (scheduler_.aside() > 0 && nothing_comes);
  if (!outer || !nothing_else || finished() || scheduler_.in_flight() > 0) return;
  expired_ =
      Expiry{.kind = Expiry::Kind::deadline,
             .rank = {},
             .what = fmt::format("{}; no task that is left can be expected to end before", outer->what)};
}

// The end.

void Dispatcher::drain(Drain drain) {
  if (draining_ == Drain::for_now) return;  // what runs is to be gone on with, whatever else would end it
  if (std::exchange(draining_, drain)) return;
  crew_.broadcast(Recall{epoch_, std::numeric_limits<std::uint64_t>::max()});
}

bool Dispatcher::cancel(TaskId task) {
  cancelled_.insert(task);
  const std::optional<Rank> worker = scheduler_.worker_of(task);
  if (worker) crew_.send(*worker, Cancel{epoch_, task});
  return worker.has_value();
}

void Dispatcher::stop(Duration patience) {
  if (stopping_) return;
  stopping_ = true;
  for (const Rank worker : crew_.workers()) {
    if (!crew_.member(worker).left) not_stopped_.insert(worker);
  }
  crew_.broadcast(Stop{epoch_, patience});
}

std::vector<TimeoutError::Outstanding> Dispatcher::outstanding(TimePoint now) const {
  std::vector<TimeoutError::Outstanding> tasks;
  for (const Rank worker : crew_.workers()) {
    const std::optional<Running>& running = crew_.watch().running(worker);
    if (!running || scheduler_.attempt_at(worker, running->attempt.task) != running->attempt) continue;
    tasks.push_back(
        {running->attempt.task.get(), worker.get(), crew_.member(worker).host, now - running->since});
  }
  return tasks;
}

}  // namespace parrun
