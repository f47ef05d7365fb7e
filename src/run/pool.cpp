#include <fmt/format.h>

#include <stdexcept>

#include "batch/public_task.hpp"
#include "run/pool_impl.hpp"

namespace parrun {
namespace {

// For killed tasks to end and to be told; a worker that takes longer is stuck.
constexpr Duration kStopLimit = std::chrono::seconds(2);

Limits limits_of(const Limit& limit, Duration lost_after) {
  return {
      .timeout = limit.timeout, .deadline = limit.deadline, .stall = limit.stall, .lost_after = lost_after};
}

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

// --- tasks -----------------------------------------------------------------------------------------------

std::uint64_t RangeSource::pull(std::uint64_t wanted) {
  while (known_ < wanted && !exhausted_) {
    at_rest_();  // the caller's own code: it takes the time it takes
    if (auto fields = feed_()) {
      payloads_.emplace(TaskId(known_++), encode(call_spec(*fields)));
    } else {
      exhausted_ = true;
    }
  }
  return known_;
}

// --- the pool --------------------------------------------------------------------------------------------

Begin Pool::Impl::begin_call(const Limit& limit) {
  if (broken()) throw std::logic_error("this pool cannot run anything any more: " + why_broken_);
  if (in_call_)
    throw std::logic_error("a range of results of this pool is still in use; take or destroy it first");
  checked_limit(limit.timeout, "timeout");
  checked_limit(limit.deadline, "deadline");
  checked_limit(limit.stall, "stall limit");
  LimitWatch& watch = session_.crew().watch();
  watch.restart(limits_of(limit, watch.limits().lost_after), Clock::now());
  in_call_ = true;
  return {.epoch = ++epoch_,
          .timeout = watch.limits().timeout,
          .json_values = false,
          .threads = isolation_ == Isolation::none,
          .kill_overrunning = false};
}

void Pool::Impl::end_call(const std::string& why_broken) {
  in_call_ = false;
  if (why_broken_.empty()) why_broken_ = why_broken;
  LimitWatch& watch = session_.crew().watch();
  watch.restart(limits_of({}, watch.limits().lost_after), Clock::now());
}

Pool::Pool(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pool::~Pool() = default;

int Pool::workers() const { return static_cast<int>(impl_->session().crew().workers().size()); }

std::unique_ptr<detail::CallRun> Pool::start(detail::Feed feed, const Limit& limit, detail::Yield yield) {
  const Begin begin = impl_->begin_call(limit);
  try {
    return std::make_unique<PoolRun>(*impl_, begin, std::move(feed), yield);
  } catch (...) {  // the caller's range threw at its first task
    impl_->end_call({});
    throw;
  }
}

// --- a call ----------------------------------------------------------------------------------------------

PoolRun::PoolRun(Pool::Impl& pool, const Begin& begin, detail::Feed feed, detail::Yield yield)
    : pool_(pool),
      source_(std::move(feed), [&session = pool.session()] { session.rest(); }),
      yield_(yield),
      dispatcher_(pool.session().crew(), source_, begin, {},
                  {.on_last = [this](Outcome outcome) { on_outcome(std::move(outcome)); }}) {}

PoolRun::~PoolRun() {
  try {
    stop();
  } catch (const std::exception& error) {
    pool_.end_call(error.what());
  }
  pool_.session().rest();
}

bool PoolRun::step(TimePoint now) {
  dispatcher_.hold(ready_.size() + held_.size() >= kMaxUndelivered);
  return dispatcher_.turn(now);
}

void PoolRun::on_outcome(Outcome outcome) {
  // After a limit: an attempt that we ended ourselves is in the TimeoutError, not in the results.
  if (outcome.state == State::cancelled || (outcome.state == State::timed_out && dispatcher_.expired()))
    return;
  if (yield_ == detail::Yield::as_finished) return ready_.push_back(std::move(outcome));
  const std::uint64_t number = outcome.task.get();
  held_.put(number, std::move(outcome));
  while (auto next = held_.take_next()) ready_.push_back(std::move(*next));
}

std::optional<Outcome> PoolRun::take_ready() {
  if (ready_.empty()) return std::nullopt;
  Outcome outcome = std::move(ready_.front());
  ready_.pop_front();
  return outcome;
}

std::optional<Outcome> PoolRun::next() {
  Session& session = pool_.session();
  while (ready_.empty() && !over_ && !dispatcher_.finished()) {
    session.turn([this](TimePoint now) { return step(now); });
    if (!dispatcher_.expired()) continue;
    const auto outstanding = dispatcher_.outstanding(Clock::now());
    timeout_.emplace(timeout_text(dispatcher_.expired()->what, outstanding), outstanding);
    stop();  // takes in what has finished; it is given out before the error is thrown
  }
  session.rest();
  if (auto outcome = take_ready()) return outcome;
  if (timeout_) throw *std::exchange(timeout_, std::nullopt);
  return std::nullopt;
}

void PoolRun::stop() {
  if (std::exchange(over_, true)) return;
  std::string why_broken;
  if (!dispatcher_.finished()) {
    dispatcher_.stop();
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
