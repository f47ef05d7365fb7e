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
      dispatcher_(pool.session().crew(), source, pool.begin_call(options),
                  {.attempts = options.retries, .delay = {}}, {.on_last = std::move(on_last)},
                  std::move(from)) {}

bool PoolCall::step(TimePoint now) {
  before_turn_();
  const bool busy = dispatcher_.turn(now);
  pool_.session().not_awaited_for(dispatcher_.supplied_for());
  return busy;
}

void PoolCall::turn(Session::Idle idle) {
  if (over()) return;
  last_turn_ = Clock::now();
  pool_.session().turn([this](TimePoint now) { return step(now); }, idle);
  if (!dispatcher_.expired()) return;
  const auto outstanding = dispatcher_.outstanding(Clock::now());
  timeout_.emplace(timeout_text(dispatcher_.expired()->what, outstanding), outstanding);
  stop();  // takes in what has finished
}

void PoolCall::glance() {
  if (coarse_now() > last_turn_ + kGlanceEvery) turn(Session::Idle::go_on);
}

void PoolCall::leave() noexcept {
  try {
    if (!over_ && on_leave_ == OnLeave::wait) finish_what_runs();
    stop();
  } catch (const std::exception& error) {
    over_ = true;
    pool_.end_call(error.what());
  }
  pool_.session().rest();
}

void PoolCall::finish_what_runs() {
  dispatcher_.drain(Dispatcher::Drain::for_good);
  while (!over()) turn();
}

void PoolCall::stop() {
  if (std::exchange(over_, true)) return;
  std::string why_broken;
  if (!dispatcher_.finished()) {
    dispatcher_.stop(timeout_ ? Duration::zero() : kPatience);
    const bool answered = pool_.session().turn_until(
        Clock::now() + kStopLimit, [this] { return dispatcher_.stopped(); },
        [this](TimePoint now) { return step(now); });
    if (!answered || !dispatcher_.stopped_cleanly()) {
      why_broken = "a task of an earlier call could not be ended; with process isolation it could be killed";
    }
  }
  pool_.end_call(why_broken);
}

}  // namespace parrun
