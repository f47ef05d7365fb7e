#include "run/submissions.hpp"

#include <algorithm>
#include <utility>

#include "batch/public_task.hpp"
#include "core/outcome.hpp"

namespace parrun {
namespace {

// For a task that is cancelled to end, and for that to be told.
constexpr Duration kCancelLimit = std::chrono::seconds(2);

}  // namespace

// A submitted task.

class Submissions::Entry final : public detail::Submission {
 public:
  Entry(Submissions& home, TaskId task, Bytes payload, detail::Kept kept)
      : home_(&home), task_(task), payload_(std::move(payload)), kept_(std::move(kept)) {}

  std::uint64_t index() const override { return task_.get(); }
  bool ready() const override { return outcome_ || timeout_; }
  bool wait(const std::function<bool()>& enough, Until until) override {
    return home_ != nullptr ? home_->wait(enough, until) : enough();
  }
  bool cancel() override { return home_ != nullptr && home_->cancel(*this); }
  const Outcome& outcome() const override {
    if (timeout_) throw *timeout_;
    return *outcome_;
  }
  void when_ready(std::function<void()> then) override {
    if (ready()) return then();
    then_.push_back(std::move(then));
  }

  BytesView payload() const { return payload_; }
  void settle(Outcome outcome) {
    outcome_ = std::move(outcome);
    let_go();
  }
  void settle(const TimeoutError& timeout) {
    timeout_ = timeout;
    let_go();
  }

 private:
  // Where all that is left of it is its future, it needs no pool.
  void let_go() {
    home_ = nullptr;
    payload_ = {};
    kept_ = {};
    for (const auto& then : std::exchange(then_, {})) then();
  }

  Submissions* home_;  ///< null once it is ready
  TaskId task_;
  Bytes payload_;
  detail::Kept kept_;
  std::optional<Outcome> outcome_;
  std::optional<TimeoutError> timeout_;  ///< in its place
  std::vector<std::function<void()>> then_;
};

// The call.

Submissions::~Submissions() {
  call_.reset();
  settle_all_cancelled();
}

void Submissions::settle_all_cancelled() noexcept {
  for (const auto& [task, entry] : std::exchange(open_, {}))
    entry->settle(unfinished({task}, State::cancelled, "its pool has ended"));
}

void Submissions::open() {
  if (call_) return;
  CallOptions options;
  if (pool_.isolation() == Isolation::process) options.on_timeout = OnTimeout::kill;
  closing_ = false;
  known_ = submitted_;
  Dispatcher::StartingPoint from;
  for (std::uint64_t task = 0; task < submitted_; ++task) from.left_out.insert(TaskId(task));
  TaskSource& source = *this;
  call_.emplace(
      pool_, source, options, [this](Ended&& ended) { settle(std::move(ended).outcome()); }, std::move(from));
}

void Submissions::close(TimePoint limit) {
  if (!wait([this] { return open_.empty(); }, limit))
    throw call_->timeout_for("the call reached its deadline while tasks that were submitted before it ran");
  closing_ = true;
  call_.reset();
}

std::uint64_t Submissions::pull(std::uint64_t wanted) {
  return known_ = std::clamp(wanted, known_, submitted_);
}

BytesView Submissions::payload(TaskId task) { return open_.at(task)->payload(); }

std::shared_ptr<detail::Submission> Submissions::submit(const detail::CallFields& fields) {
  ByteWriter payload;
  append_call(call_head(fields), fields.function, fields.arguments, payload);
  open();
  const TaskId task(submitted_++);
  auto entry = std::make_shared<Entry>(*this, task, payload.take(), fields.kept);
  open_.emplace(task, entry);
  turn(Session::Idle::go_on);
  pool_.session().rest();
  return entry;
}

void Submissions::settle(Outcome outcome) {
  if (auto entry = open_.extract(outcome.task)) entry.mapped()->settle(std::move(outcome));
}

void Submissions::turn(Session::Idle idle, Fresh fresh) {
  call_->dispatcher().hold(fresh == Fresh::hold);
  call_->turn(idle);
  if (!call_->timeout()) return;
  const TimeoutError timeout = *call_->timeout();
  call_.reset();
  for (const auto& [task, entry] : std::exchange(open_, {})) entry->settle(timeout);
}

bool Submissions::wait(const std::function<bool()>& enough, detail::Submission::Until until, Fresh fresh) {
  pool_.check_thread();
  bool there = enough();
  while (!there && call_ && (!until || Clock::now() < *until)) {
    turn(Session::Idle::wait, fresh);
    there = enough();
  }
  pool_.session().rest();
  return there;
}

// What no worker has is cancelled at once. Where many are cancelled in order, none that comes later may be
// given out while an earlier one is waited for, else short tasks are all done before their turn comes.
bool Submissions::cancel(Entry& entry) {
  pool_.check_thread();
  if (entry.ready()) return false;
  const TaskId task(entry.index());
  if (!call_->dispatcher().cancel(task)) {
    settle(unfinished({task}, State::cancelled, kCancelledUnstarted));
    return true;
  }
  if (!wait([&] { return entry.ready(); }, Clock::now() + kCancelLimit, Fresh::hold)) return false;
  return entry.outcome().state == State::cancelled;
}

}  // namespace parrun
