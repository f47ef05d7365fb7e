#include "run/range_run.hpp"

#include <algorithm>
#include <utility>

#include "batch/public_task.hpp"
#include "core/outcome.hpp"

namespace parrun {
// --- tasks -----------------------------------------------------------------------------------------------

std::uint64_t RangeSource::pull(std::uint64_t wanted) {
  if (ahead_) wanted = std::min(wanted, taken_ + std::max<std::size_t>(*ahead_, 1));
  while (known_ < wanted && !exhausted_) take_next();
  return known_;
}

// What the range has yielded before it threw is run all the same.
void RangeSource::take_next() try {
  at_rest_();  // the caller's own code: it takes the time it takes
  if (auto fields = feed_()) {
    detail::Kept kept = std::move(fields->kept);
    open_.emplace(TaskId(known_), Open{encode_call(*fields), std::move(kept)});
    ++known_;
  } else {
    exhausted_ = true;
  }
} catch (...) {
  error_ = std::current_exception();
  exhausted_ = true;
}

// --- results ---------------------------------------------------------------------------------------------

RangeRun::RangeRun(Pool::Impl& pool, detail::Feed feed, const CallOptions& options, Delivery delivery)
    : delivery_(delivery),
      max_undelivered_(options.max_undelivered),
      session_(pool.session()),
      source_(std::move(feed), options.pre_dispatch, [&session = pool.session()] { session.rest(); }),
      call_(pool, source_, options, [this](Outcome&& outcome) { on_outcome(std::move(outcome)); }) {
  call_.before_turn([this] { call_.dispatcher().hold(must_hold()); });
}

// What is in flight will come, however slow the caller is.
bool RangeRun::must_hold() {
  const double expected = mean_bytes_ * static_cast<double>(call_.dispatcher().in_flight());
  return failure_ || ready_.size() + held_.size() >= std::max<std::size_t>(max_undelivered_, 1) ||
         static_cast<double>(bytes_) + expected >= static_cast<double>(kMaxUndeliveredBytes);
}

void RangeRun::on_outcome(Outcome&& outcome) {
  // An attempt that we ended ourselves is in the TimeoutError, or nobody wants to know.
  const bool at_limit = outcome.state == State::timed_out && call_.dispatcher().expired();
  if (outcome.state == State::cancelled || at_limit) return;
  if (delivery_.fail_fast && !outcome.succeeded()) {
    if (!failure_) failure_ = std::move(outcome);
    return call_.dispatcher().hold(true);  // in this turn too nothing more is given out
  }
  const std::size_t bytes = size_of(outcome);
  mean_bytes_ += (static_cast<double>(bytes) - mean_bytes_) / static_cast<double>(++outcomes_);
  bytes_ += bytes;
  deliver(std::move(outcome));
}

void RangeRun::deliver(Outcome&& outcome) {
  if (!delivery_.in_order) return ready_.put(std::move(outcome));
  const std::uint64_t number = outcome.task.get();
  held_.put(number, std::move(outcome));
  while (auto next = held_.take_next()) ready_.put(std::move(*next));
}

// What finished is not lost with what did not.
void RangeRun::deliver_over_gaps() {
  while (auto next = held_.take_over_gap()) ready_.put(std::move(*next));
}

bool RangeRun::take_ready(Outcome& outcome) {
  if (ready_.empty()) return false;
  ready_.take(outcome);
  bytes_ -= size_of(outcome);
  source_.on_taken();
  return true;
}

void RangeRun::end_early() {
  if (failure_) call_.leave();
  if (call_.over()) deliver_over_gaps();
}

bool RangeRun::next(Outcome& outcome) {
  call_.glance();
  end_early();
  while (ready_.empty() && !call_.over()) {
    call_.turn();
    end_early();
  }
  session_.rest();
  if (take_ready(outcome)) return true;
  call_.leave();  // the pool may begin another one
  if (!std::exchange(thrown_, true)) {
    if (call_.timeout()) throw *call_.timeout();
    if (failure_) detail::throw_task_error(*failure_);
    if (source_.error()) std::rethrow_exception(source_.error());
  }
  return false;
}

}  // namespace parrun
