#include "run/range_run.hpp"

#include <algorithm>
#include <utility>

#include "batch/public_task.hpp"
#include "core/outcome.hpp"

namespace parrun {
namespace {

// Of a payload, besides its texts; or a little more.
constexpr std::size_t kMostBesideTexts = 128;

// The memory of the payload that comes so many tasks later is fetched, as far as that is worth it: it was
// used thousands of tasks ago.
constexpr std::uint64_t kPreparedAhead = 4;
constexpr std::size_t kPreparedBytes = 256;

// Ahead, for whoever means all of them: what was taken can be added to it.
constexpr std::uint64_t kNoBound = std::uint64_t{1} << 62;

}  // namespace

// Tasks.

std::uint64_t RangeSource::pull(std::uint64_t wanted) {
  if (ahead_) wanted = std::min(wanted, taken_ + std::clamp<std::uint64_t>(*ahead_, 1, kNoBound));
  if (known_ >= wanted || exhausted_) return known_;
  while (known_ < wanted && !exhausted_) take_next();
  around_.after();
  return known_;
}

// What the range has yielded before it threw is run all the same.
void RangeSource::take_next() try {
  around_.before();
  exhausted_ = !feed_(take_);
} catch (...) {
  error_ = std::current_exception();
  exhausted_ = true;
}

void RangeSource::take(const detail::CallFields& fields) {
  const TaskHead head = call_head(fields);
  Open& open = open_.add(known_);
  open.payload.reserve(kMostBesideTexts + fields.function.size() + fields.arguments.size() +
                       fields.label.size());
  append_call(head, fields.function, fields.arguments, open.payload);
  open.kept = fields.kept;
  open_.place(known_ + kPreparedAhead).payload.prepare(0, std::min(open.payload.size(), kPreparedBytes));
  ++known_;
}

void RangeSource::forget(TaskId task) {
  Open* const open = open_.find(task.get());
  if (open == nullptr) return;
  if (open_.places() * open->payload.size() > kMostKeptBytes) return open_.erase(task.get());
  open->payload.clear();
  open->kept.clear();
  open_.leave(task.get());
}

// Results.

RangeRun::RangeRun(Pool::Impl& pool, detail::Feed feed, const CallOptions& options, Delivery delivery)
    : delivery_(delivery),
      max_undelivered_(options.max_undelivered),
      session_(pool.session()),
      source_(std::move(feed), options.pre_dispatch,
              {.before = [this] { session_.rest(); },
               .after = [this] { session_.crew().watch().on_pulled(Clock::now()); }}),
      call_(pool, source_, options, [this](Ended&& ended) { on_ended(std::move(ended)); }) {
  call_.before_turn([this] {
    call_.dispatcher().hold(must_hold() ? Dispatcher::Hold::for_caller : Dispatcher::Hold::none);
  });
}

// What is in flight will come, however slow the caller is.
bool RangeRun::must_hold() {
  const double mean_bytes =
      static_cast<double>(ended_bytes_) / static_cast<double>(std::max<std::uint64_t>(ended_, 1));
  const double expected = mean_bytes * static_cast<double>(call_.dispatcher().in_flight());
  return failure_ || ready_.size() + held_.size() >= std::max<std::size_t>(max_undelivered_, 1) ||
         static_cast<double>(bytes_) + expected >= static_cast<double>(kMaxUndeliveredBytes);
}

void RangeRun::on_ended(Ended&& ended) {
  // An attempt that we ended ourselves is in the TimeoutError, or nobody wants to know.
  const bool at_limit = ended.state() == State::timed_out && call_.dispatcher().expired();
  if (ended.state() == State::cancelled || at_limit) return;
  if (delivery_.fail_fast && !ended.succeeded()) {
    if (!failure_) failure_ = std::move(ended).outcome();
    // In this turn too nothing more is given out.
    return call_.dispatcher().hold(Dispatcher::Hold::for_caller);
  }
  if (delivery_.in_order) ended = std::move(ended).apart();
  const std::size_t bytes = ended.claim();
  ended_bytes_ += bytes;
  ++ended_;
  bytes_ += bytes;
  deliver(std::move(ended));
}

void RangeRun::deliver(Ended&& result) {
  if (!delivery_.in_order) return ready_.put(std::move(result));
  const std::uint64_t number = result.task().get();
  held_.put(number, std::move(result));
  while (auto next = held_.take_next()) ready_.put(std::move(*next));
}

// What finished is not lost with what did not.
void RangeRun::deliver_over_gaps() {
  while (auto next = held_.take_over_gap()) ready_.put(std::move(*next));
}

bool RangeRun::take_ready(Outcome& outcome) {
  if (ready_.empty()) return false;
  std::move(ready_.front()).move_to(outcome);
  bytes_ -= ready_.front().claimed();
  ready_.drop_first();
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
