#include "exec/executor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <stdexcept>
#include <thread>
#include <utility>

#include "base/duration.hpp"
#include "base/size.hpp"
#include "batch/task_spec.hpp"
#include "core/outcome.hpp"
#include "exec/command.hpp"

namespace parrun {
namespace {

// The ring is filled no further ahead than this, so that a payload waits in one place only.
constexpr std::size_t kOutgoingBytes = Ring::kCapacity / 2;
// Outcomes of some hundreds of small tasks: a worker that sleeps longer would have none at hand soon.
constexpr std::uint32_t kWorthWaking = Ring::kCapacity / 16;
// So much of outcomes is taken in one turn: one that never ends must not keep the worker from its messages.
constexpr std::size_t kTurnBytes = 4 * Ring::kCapacity;
constexpr int kMaxDeathsWithoutATask = 5;
constexpr int kMaxUnexplained = 2;

// Long beside a fork, short beside a user's patience.
constexpr Duration kStuck = std::chrono::seconds(10);
constexpr Duration kStuckCleaning = std::chrono::minutes(5);  // 300,000 files, at one a ms
constexpr Duration kOwnPause = std::chrono::seconds(1);

// How many of the `pushed` tasks have begun: from counts that a task may have written over.
std::size_t begun_of(std::uint64_t started, std::uint64_t ended, std::size_t pushed) {
  return started > ended ? static_cast<std::size_t>(std::min<std::uint64_t>(started - ended, pushed)) : 0;
}

// In a task's process MPI was never initialised, and by default a call of it ends the process.
void explain_mpi_call(Outcome& outcome) {
  const bool said = outcome.stderr_text.find("before MPI_INIT") != std::string::npos;
  if (said && outcome.exit_code != 0 && outcome.state == State::failed)
    outcome.error += "; it called MPI, which there is not in a task's process";
}

bool are_watched(const ResourceLimits& limits) { return limits.memory_bytes || limits.cpu; }

void keep_for_ever(Fifo<GivenTask> tasks) {
  static auto* const kept = new std::deque<Fifo<GivenTask>>;
  kept->push_back(std::move(tasks));
}

}  // namespace

// What goes on as long as this process lives still reads the orders that were lent to it.
Executor::~Executor() {
  if (!body_->end()) keep_for_ever(std::move(tasks_));
}

EndedTasks Executor::turn(TimePoint now) {
  if (alive_) {
    wakes_ = body_->channel().outcomes.wakes();
    // Asked first: all that a dead executor had to say is in the ring by then.
    const std::optional<Death> death = poll_death();
    collect();
    if (death) conclude(*death, now);
  }
  const bool wanted = std::exchange(wanted_, false) || !tasks_.empty();
  if (!alive_ && wanted) {
    body_->start();
    alive_ = true;
    wakes_ = 0;
    append_terms();
    noticed_ = {0, now, now};
    seen_moving_ = {0, 0, 0, now};
  }
  if (alive_) watch_progress(now);
  if (alive_) bound_output(now);
  if (alive_ && !verdict_) push();  // what would start now would die with the one that is killed
  return take_ended();
}

std::optional<Death> Executor::poll_death() try {
  return body_->poll_death();
} catch (const std::runtime_error&) {
  collect();
  throw;
}

void Executor::set_terms(const AttemptTerms& terms, std::optional<Duration> timeout) {
  timeout_ = timeout;
  if (terms == terms_) return;
  terms_ = terms;
  if (alive_) append_terms();
}

void Executor::append_terms() {
  const std::size_t frame = begin_frame(FrameKind::terms, outgoing_);
  append(terms_, outgoing_);
  end_frame(frame, outgoing_);
}

ResourceLimits Executor::limits_of(const GivenTask& task) const {
  return task.limited ? decode_task_head(task.payload()).resources.or_else(terms_.resources)
                      : terms_.resources;
}

// The next tasks, as far as their orders lie one behind the other.
void Executor::append_orders() {
  const bool all_watched = are_watched(terms_.resources);
  const BytesView first = tasks_[pushed_].order;
  std::size_t size = 0;
  do {
    const GivenTask& task = tasks_[pushed_++];
    if (all_watched || (task.limited && are_watched(limits_of(task)))) body_->watch_limits();
    size += task.order.view().size();
  } while (size < kOutgoingBytes && pushed_ < tasks_.size() &&
           tasks_[pushed_].order.view().data() == first.data() + size);
  const BytesView orders(first.data(), size);
  if (body_->large_outcomes() == nullptr) {
    const std::size_t written = outgoing_.empty() ? body_->channel().tasks.try_write(orders) : 0;
    outgoing_.append(orders.substr(written));
  } else {
    const std::size_t frame = begin_frame(FrameKind::lent, outgoing_);
    outgoing_.append({reinterpret_cast<const char*>(&orders), sizeof(BytesView)});
    end_frame(frame, outgoing_);
  }
}

void Executor::push() {
  write_outgoing();
  while (pushed_ < tasks_.size() && outgoing_.size() - written_ < kOutgoingBytes) {
    append_orders();
    if (outgoing_.size() >= kOutgoingBytes) write_outgoing();
  }
  write_outgoing();
}

void Executor::write_outgoing() {
  written_ += body_->channel().tasks.try_write(outgoing_.view().substr(written_));
  if (written_ < outgoing_.size()) return;
  outgoing_.clear();
  written_ = 0;
}

// What a task's process says is looked at before it is believed: the task may have written over it. A large
// outcome is the last of a turn: what comes behind it stays in the ring.
void Executor::collect() {
  if (damaged_) return;  // only its death counts
  std::vector<int> retries;
  bool large = false;
  try {
    large = take_outcomes(retries);
    for (std::size_t read = 0, more = 1; !large && more > 0 && read < kTurnBytes; read += more) {
      more = incoming_.read_from(body_->channel().outcomes);
      large = take_outcomes(retries);
    }
  } catch (const FormatError& error) {
    give_up_on(error.what());
  }
  if (!retries.empty()) done_.add(incoming_.take_done(), retries);
  if (large) take_large_outcome();
}

void Executor::give_up_on(std::string_view damage) {
  damaged_ = true;
  if (!verdict_ && body_->kill())
    verdict_ = Verdict{State::failed, fmt::format("the task wrote over its executor's memory ({})", damage)};
}

// True: up to a large one.
bool Executor::take_outcomes(std::vector<int>& retries) {
  while (const auto outcome = incoming_.front()) {
    if (stands_for_large(*outcome)) return true;
    retries.push_back(settle_first(*outcome));
    incoming_.pop();
  }
  return false;
}

bool Executor::stands_for_large(BytesView frame) const {
  return frame.empty() && body_->large_outcomes() != nullptr;
}

// From a thread, which cannot be killed: what cannot be believed here ends the run.
void Executor::take_large_outcome() {
  incoming_.pop();
  incoming_.drop_done();
  LargeOutcome outcome = body_->large_outcomes()->take();
  const int retries = settle_first(outcome.rest());
  done_.add({std::move(outcome), retries});
}

bool Executor::owes() const { return alive_ && !damaged_ && body_->channel().progress().ended > ended_; }

// The outcome is that of the first task; returns the task's retries.
int Executor::settle_first(BytesView outcome) {
  if (pushed_ == 0 || decode_outcome_head(outcome).attempt != tasks_.front().id)
    throw FormatError("an outcome that no task has");
  const int retries = tasks_.front().retries;
  tasks_.drop_first();
  --pushed_;
  ++ended_;
  unexplained_ = 0;
  return retries;
}

// The counts can be: no more has begun than was pushed, and what has begun has.
bool Executor::believes(const Channel::Progress& progress) const {
  return progress.started >= noticed_.started && progress.started <= ended_ + pushed_;
}

// How many tasks died with it: one, whose outcome had not come; where outcomes were damaged, as many as had
// begun. None where it was killed for another one that has ended; where nobody is known to have begun it may
// have been the first all the same, which has another chance.
std::size_t Executor::died_with_it(const Death& death, const Channel::Progress& progress) {
  const bool believed = believes(progress);
  std::size_t begun = begun_of(believed ? progress.started : noticed_.started, ended_, pushed_);
  if (!believed || !damaged_) begun = std::min<std::size_t>(begun, 1);
  if (death.exceeded && begun == 1 && death.exceeded_by != tasks_.front().id) begun = 0;
  const bool unexplained = begun == 0 && (death.exceeded || (verdict_ && !verdict_->of_attempt));
  unexplained_ = unexplained ? unexplained_ + 1 : 0;
  return unexplained_ < kMaxUnexplained ? begun : std::min<std::size_t>(pushed_, 1);
}

// The executor is dead, and what it had begun with it; the others have never started.
void Executor::conclude(const Death& death, TimePoint now) {
  if (death.spawn_error != 0 && !tasks_.empty()) {  // else the first task tries again
    throw std::runtime_error(fmt::format("cannot fork: {}", std::strerror(death.spawn_error)));
  }
  const Channel::Progress progress = body_->channel().progress();
  deaths_without_a_task_ = progress.started == 0 && !verdict_ ? deaths_without_a_task_ + 1 : 0;
  if (deaths_without_a_task_ >= kMaxDeathsWithoutATask) {
    throw std::runtime_error("executors end before they start a task");
  }
  std::size_t begun = died_with_it(death, progress);
  auto [out, err] = body_->take_output(begun > 0 ? limits_of(tasks_.front()).output_bytes : 0);
  for (; begun > 0; --begun) {
    // It may have begun behind the time at which this turn looked at the clock.
    const Duration elapsed = std::max<Duration>(now - start_of_last(progress), std::chrono::microseconds(1));
    Outcome outcome = outcome_of(tasks_.front(), death, elapsed);
    outcome.stdout_text = std::exchange(out, {});
    outcome.stderr_text = std::exchange(err, {});
    explain_mpi_call(outcome);
    done_.add(encode(outcome), tasks_.front().retries);
    tasks_.drop_first();
  }
  alive_ = false;
  damaged_ = false;
  pushed_ = 0;
  ended_ = 0;
  written_ = 0;
  outgoing_.clear();
  incoming_.clear();
  verdict_.reset();
}

// What a task came to whose process died under it.
Outcome Executor::outcome_of(const GivenTask& task, const Death& death, Duration elapsed) const {
  Outcome outcome;
  outcome.task = task.id.task;
  outcome.attempt = task.id.attempt;
  outcome.elapsed_s = to_seconds(elapsed);
  outcome.started_s = wall_clock_s() - outcome.elapsed_s;
  outcome.user_s = death.user_s;
  outcome.system_s = death.system_s;
  outcome.max_rss_kb = death.max_rss_kb;
  set_ending(death.wait_status, outcome);
  outcome.state = verdict_ ? verdict_->state : State::failed;
  if (verdict_) {
    outcome.error = verdict_->error;
  } else if (death.exceeded == ExceededLimit::memory) {
    outcome.error =
        fmt::format("exceeded its memory limit of {}", format_size(limits_of(task).memory_bytes.value_or(0)));
  } else if (death.exceeded == ExceededLimit::cpu) {
    outcome.error = fmt::format("exceeded its CPU time limit of {}",
                                format_duration(limits_of(task).cpu.value_or(Duration::zero())));
  } else if (outcome.signal == 0) {  // also with exit code 0: a function that calls exit() returns nothing
    outcome.error = fmt::format("the task called exit({})", outcome.exit_code);
  }
  if (const std::string folder = body_->kept_folder(task.id); !folder.empty())
    outcome.warning = fmt::format("its folder is kept: {}", folder);
  return outcome;
}

std::optional<Executor::Current> Executor::current() const {
  if (!alive_ || tasks_.empty()) return std::nullopt;
  const Channel::Progress progress = body_->channel().progress();
  if (progress.started <= std::max(ended_, progress.ended)) return std::nullopt;
  // Outcomes of those before it may still lie in the ring.
  const std::size_t begun = begun_of(progress.started, ended_, pushed_);
  if (begun == 0) return std::nullopt;
  const GivenTask& task = tasks_[begun - 1];
  const bool own = task.timeout > Duration::zero();
  return Current{.attempt = task.id,
                 .since = start_of_last(progress),
                 .limit = own ? std::optional(task.timeout) : timeout_,
                 .ending = verdict_.has_value()};
}

// When the last task began, as the executor says it, but within the turns between which it was noticed: a
// task may have written over the channel.
TimePoint Executor::start_of_last(const Channel::Progress& progress) const {
  if (progress.started != noticed_.started) return std::max(progress.since, last_look_);
  return std::clamp(progress.since, noticed_.after, noticed_.by);
}

// Notes when the executor was last seen to begin or end something. One that does neither with tasks before it
// is stuck (stopped by a signal, or a zygote that was): it is killed, and if that gets no answer either,
// given up.
void Executor::watch_progress(TimePoint now) {
  const Channel::Progress progress = body_->channel().progress();
  if (!damaged_ && !believes(progress)) give_up_on("counts of tasks that cannot be");
  const std::uint64_t started = damaged_ ? noticed_.started : progress.started;
  if (started != noticed_.started) noticed_ = {started, last_look_, now};
  const std::size_t moved = incoming_.unfinished() + written_;
  const bool waits = !tasks_.empty() && (verdict_ || !current());
  if (!waits || started != seen_moving_.started || ended_ != seen_moving_.ended ||
      moved != seen_moving_.bytes) {
    seen_moving_ = {started, ended_, moved, now};
  }
  if (now > last_look_ + kOwnPause) seen_moving_.at = now;  // this process was stopped too
  last_look_ = now;
  if (now < seen_moving_.at + kStuck) return;
  if (now < seen_moving_.at + kStuckCleaning && !verdict_ && !current() && body_->has_leftovers()) return;
  if (verdict_)
    throw std::runtime_error("an executor cannot be ended (stopped, or waiting for a dead file system)");
  seen_moving_.at = now;
  verdict_ = Verdict{State::failed, "its executor did not answer"};
  body_->kill();
}

// A task that never stops writing takes no more memory than its limit and what it writes between two looks.
void Executor::bound_output(TimePoint now) {
  constexpr Duration kTrimEvery = std::chrono::milliseconds(10);
  if (now < last_trim_ + kTrimEvery) return;
  last_trim_ = now;
  const std::optional<Current> writing = current();
  if (!writing || now < writing->since + kTrimEvery) return;
  // Each of those that were pushed may be the one that writes by the time of the trim.
  std::uint64_t most = 0;
  for (std::size_t i = 0; i < pushed_; ++i) {
    const std::optional<std::uint64_t> limit = limits_of(tasks_[i]).output_bytes;
    if (!limit) return;
    most = std::max(most, *limit);
  }
  body_->trim_output(most);
}

// Nothing in the ring that has not started will; what stays is written again behind the resume frame.
void Executor::hold_back() {
  pushed_ = begun_of(body_->channel().revoke(), ended_, pushed_);
  end_frame(begin_frame(FrameKind::resume, outgoing_), outgoing_);
}

void Executor::drop_released() {
  if (!alive_) return;
  end_frame(begin_frame(FrameKind::release, outgoing_), outgoing_);
  write_outgoing();
}

std::vector<GivenTask> Executor::take_back(std::size_t count) {
  std::vector<GivenTask> taken;
  const bool some_in_ring = pushed_ > 0 && tasks_.size() - pushed_ < count;
  if (alive_ && some_in_ring) hold_back();
  while (taken.size() < count && tasks_.size() > pushed_) {
    taken.push_back(tasks_.take_last());
  }
  return taken;
}

bool Executor::kill(const Assignment& attempt, State state, std::string error) {
  if (!alive_ || verdict_) return true;  // it is gone, or being killed
  // The attempt may end before its executor does: what is behind it must not start and die in its place.
  hold_back();
  const std::optional<Current> executing = current();
  if (!executing || executing->attempt != attempt) return true;
  if (!body_->kill()) return false;
  verdict_ = Verdict{state, std::move(error), true};
  return true;
}

void Executor::await(Duration limit) {
  if (alive_) {
    body_->channel().outcomes.await_data(limit);
  } else {
    std::this_thread::sleep_for(limit);
  }
}

void Executor::nap(Duration limit) {
  if (alive_) {
    body_->channel().outcomes.await_bytes(kWorthWaking, limit, wakes_);
  } else {
    std::this_thread::sleep_for(limit);
  }
}

}  // namespace parrun
