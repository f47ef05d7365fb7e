#include "run/pool_call.hpp"

#include <fmt/format.h>

#include <utility>

namespace parrun {
namespace {

// For killed tasks to end and to be told; a worker that takes longer is stuck.
constexpr Duration kStopLimit = std::chrono::seconds(2);
// With a task on a thread where the call was left, not ended by a limit.
constexpr Duration kPatience = std::chrono::seconds(1);
constexpr Duration kGlanceEvery = std::chrono::milliseconds(1);

std::string timeout_text(const std::string& what, const std::vector<TimeoutError::Outstanding>& outstanding) {
  constexpr std::size_t kShown = 5;
  std::string text = what;
  for (std::size_t i = 0; i < outstanding.size() && i < kShown; ++i) {
    const auto& one = outstanding[i];
    text += fmt::format("{} task {} on rank {} ({}) for {:.1f} s", i == 0 ? "; running:" : ",", one.task,
                        one.rank, one.host, one.running.count());
  }
  if (outstanding.size() > kShown) text += fmt::format(", and {} more", outstanding.size() - kShown);
  return text;
}

}  // namespace

PoolCall::PoolCall(Pool::Impl& pool, TaskSource& source, const CallOptions& options, OnLast on_last,
                   Dispatcher::StartingPoint from)
    : pool_(pool),
      on_leave_(options.on_leave),
      on_last_(std::move(on_last)),
      dispatcher_(pool.session().crew(), source, pool.begin_call(options),
                  {.attempts = options.retries, .delay = {}, .judged_after = {}},
                  {.on_last = [this](Ended&& ended) { take(std::move(ended)); }}, std::move(from)) {}

// Behind a limit the caller may have been away for long: much of what was still out had ended by itself.
void PoolCall::take(Ended&& ended) {
  if (dispatcher_.expired()) {
    const bool by_us = ended.state() == State::cancelled || ended.state() == State::timed_out;
    cut_off_ = cut_off_ || by_us;
    if (!by_us) std::erase_if(outstanding_, [&](const auto& one) { return one.task == ended.task().get(); });
  }
  on_last_(std::move(ended));
}

bool PoolCall::step(TimePoint now) {
  before_turn_();
  const bool busy = dispatcher_.turn(now);
  pool_.session().not_awaited_for(dispatcher_.supplied_for());
  return busy;
}

void PoolCall::turn(Session::Idle idle) {
  if (over()) return;
  pool_.check_thread();
  last_turn_ = Clock::now();
  try {
    pool_.session().turn([this](TimePoint now) { return step(now); }, idle);
    if (dispatcher_.expired()) end_at_limit();
  } catch (...) {
    pool_.session().rest();  // the caller may do for long what it does about it
    throw;
  }
}

// A task that has reached its own limit has done so, even if it ended later. Of a range that has not said
// whether it has further tasks it is not asked behind the limit.
void PoolCall::end_at_limit() {
  const Expiry& limit = *dispatcher_.expired();
  outstanding_ = dispatcher_.outstanding(Clock::now());
  stop();  // takes in what has finished
  const bool nothing_out = limit.kind != Expiry::Kind::task && dispatcher_.finished() && !cut_off_;
  if (!nothing_out) timeout_.emplace(timeout_text(limit.what, outstanding_), outstanding_);
}

TimeoutError PoolCall::timeout_for(const std::string& what) const {
  auto outstanding = dispatcher_.outstanding(Clock::now());
  const std::string text = timeout_text(what, outstanding);
  return {text, std::move(outstanding)};
}

void PoolCall::glance() {
  if (coarse_now() > last_turn_ + kGlanceEvery) turn(Session::Idle::go_on);
}

void PoolCall::leave() noexcept {
  if (std::exchange(left_, true)) return;  // where it ended before the pool did, the pool may be gone
  for (const auto part : {&PoolCall::finish_what_runs, &PoolCall::stop}) {
    try {
      (this->*part)();
    } catch (const std::exception&) {  // of a stop: the pool knows
    }
  }
  pool_.session().rest();
}

void PoolCall::finish_what_runs() {
  if (over_ || on_leave_ != OnLeave::wait) return;
  dispatcher_.drain(Dispatcher::Drain::for_good);
  while (!over()) turn();
}

void PoolCall::stop() {
  if (std::exchange(over_, true)) return;
  try {
    pool_.end_call(dispatcher_.finished() ? "" : stop_tasks());
  } catch (const std::exception& error) {
    pool_.end_call(error.what());
    throw;
  }
}

// Returns why nothing else can run behind them, or nothing.
std::string PoolCall::stop_tasks() {
  dispatcher_.stop(dispatcher_.expired() ? Duration::zero() : kPatience);
  const bool answered = pool_.session().turn_until(
      Clock::now() + kStopLimit, [this] { return dispatcher_.stopped(); },
      [this](TimePoint now) { return step(now); });
  if (!answered) return "a rank did not answer at the end of an earlier call";
  if (dispatcher_.stopped_cleanly()) return "";
  return "a task of an earlier call could not be ended; with process isolation it could be killed";
}

}  // namespace parrun
