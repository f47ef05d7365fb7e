#include "exec/executor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <thread>

#include "core/outcome.hpp"
#include "exec/command.hpp"

namespace parrun {
namespace {

// The ring is filled no further ahead than this, so that a payload waits in one place only.
constexpr std::size_t kOutgoingBytes = Ring::kCapacity / 2;
// A frame above this cannot be an outcome: a task has written over the channel.
constexpr std::uint64_t kMaxOutcomeBytes = std::uint64_t{1} << 36;
constexpr int kMaxBarren = 5;

Bytes task_frame(const GivenTask& task) {
  ByteWriter out;
  out.put(FrameKind::task)
      .put(task.task.get())
      .put<std::int32_t>(task.attempt)
      .put(task.json_value)
      .put(task.payload);
  return framed(out.take());
}

}  // namespace

std::vector<EndedTask> Executor::turn() {
  std::vector<EndedTask> ended;
  if (alive_) {
    // Asked first: all that a dead executor had to say is in the ring by then.
    const std::optional<Death> death = body_->poll_death();
    collect(ended);
    if (death) conclude(*death, ended);
  }
  if (!alive_ && !tasks_.empty()) {
    body_->start();
    alive_ = true;
  }
  if (alive_ && !verdict_) push();  // what would start now would die with the one that is killed
  return ended;
}

void Executor::push() {
  write_outgoing();
  while (pushed_ < tasks_.size() && outgoing_.size() - written_ < kOutgoingBytes) {
    if (outgoing_.empty()) {
      outgoing_ = task_frame(tasks_[pushed_]);
    } else {
      outgoing_ += task_frame(tasks_[pushed_]);
    }
    ++pushed_;
    if (outgoing_.size() >= kOutgoingBytes) write_outgoing();
  }
  write_outgoing();
}

void Executor::write_outgoing() {
  written_ += body_->channel().tasks.try_write(BytesView(outgoing_).substr(written_));
  if (written_ < outgoing_.size()) return;
  outgoing_.clear();
  written_ = 0;
}

// The next outcome, if all of it is there.
std::optional<Bytes> Executor::read_frame() {
  Ring& ring = body_->channel().outcomes;
  std::uint64_t size = 0;
  const auto fill_to = [&](std::size_t wanted) {
    const std::size_t had = incoming_.size();
    if (had >= wanted) return true;
    incoming_.resize(wanted);
    incoming_.resize(had + ring.try_read(incoming_.data() + had, wanted - had));
    return incoming_.size() == wanted;
  };
  if (!fill_to(sizeof size)) return std::nullopt;
  std::memcpy(&size, incoming_.data(), sizeof size);
  if (size > kMaxOutcomeBytes) throw FormatError("an outcome of impossible size");
  if (!fill_to(sizeof size + size)) return std::nullopt;
  Bytes frame = incoming_.substr(sizeof size);
  incoming_.clear();
  return frame;
}

void Executor::collect(std::vector<EndedTask>& ended) {
  if (verdict_ && verdict_->state == State::failed) return;  // its channel is damaged: only its death counts
  try {
    while (body_->channel().outcomes.has_data()) {
      std::optional<Bytes> outcome = read_frame();
      if (!outcome) return;
      if (pushed_ == 0) throw FormatError("an outcome that no task has");
      ended.push_back({std::move(*outcome), tasks_.front().retries});
      tasks_.pop_front();
      --pushed_;
      ++ended_;
    }
  } catch (const FormatError& error) {
    if (verdict_ || !body_->kill()) return;
    verdict_ =
        Verdict{State::failed, fmt::format("the task wrote over its executor's memory ({})", error.what())};
  }
}

// The executor is dead. If a task was executing, it died with it; the others have never started.
void Executor::conclude(const Death& death, std::vector<EndedTask>& ended) {
  if (death.spawn_error != 0)
    throw std::runtime_error(fmt::format("cannot fork: {}", std::strerror(death.spawn_error)));
  const std::optional<Current> victim = current();
  barren_ = body_->channel().progress().started == 0 && !verdict_ ? barren_ + 1 : 0;
  if (barren_ >= kMaxBarren) throw std::runtime_error("executors end before they start a task");
  if (victim) {
    Outcome outcome;
    outcome.task = victim->attempt.task;
    outcome.attempt = victim->attempt.attempt;
    outcome.elapsed_s = to_seconds(Clock::now() - victim->since);
    outcome.started_s =
        Seconds(std::chrono::system_clock::now().time_since_epoch()).count() - outcome.elapsed_s;
    set_ending(death.wait_status, outcome);
    if (verdict_) {
      outcome.state = verdict_->state;
      outcome.error = verdict_->error;
    } else {
      outcome.state = State::failed;  // also with exit code 0: a function that calls exit() returns nothing
      if (outcome.signal == 0) outcome.error = fmt::format("the task called exit({})", outcome.exit_code);
    }
    auto [out, err] = body_->take_output();
    outcome.stdout_text = std::move(out);
    outcome.stderr_text = std::move(err);
    ended.push_back({encode(outcome), tasks_.front().retries});
    tasks_.pop_front();
  }
  alive_ = false;
  pushed_ = 0;
  ended_ = 0;
  written_ = 0;
  outgoing_.clear();
  incoming_.clear();
  verdict_.reset();
}

std::optional<Executor::Current> Executor::current() const {
  if (!alive_ || tasks_.empty()) return std::nullopt;
  const Channel::Progress progress = body_->channel().progress();
  if (progress.started <= ended_) return std::nullopt;
  // Outcomes of those before it may still lie in the ring.
  const std::size_t begun = std::min<std::uint64_t>(progress.started - ended_, tasks_.size());
  const GivenTask& task = tasks_[begun - 1];
  return Current{{task.task, task.attempt}, progress.since, task.limit};
}

// Nothing in the ring that has not started will; what stays is written again behind the resume frame.
void Executor::hold_back() {
  pushed_ = static_cast<std::size_t>(body_->channel().revoke() - ended_);
  ByteWriter resume;
  resume.put(FrameKind::resume);
  outgoing_ += framed(resume.take());
}

std::vector<TaskId> Executor::take_back(std::size_t count) {
  std::vector<TaskId> taken;
  const bool some_in_ring = pushed_ > 0 && tasks_.size() - pushed_ < count;
  if (alive_ && some_in_ring) hold_back();
  while (taken.size() < count && tasks_.size() > pushed_) {
    taken.push_back(tasks_.back().task);
    tasks_.pop_back();
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
  verdict_ = Verdict{state, std::move(error)};
  return true;
}

void Executor::await(Duration limit) {
  if (alive_) {
    body_->channel().outcomes.await_data(limit);
  } else {
    std::this_thread::sleep_for(limit);
  }
}

}  // namespace parrun
