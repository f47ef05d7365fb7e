#pragma once
// What an executor does, played by the test on its own thread: it takes tasks from the channel when the test
// says so, and dies when the test says so.

#include <fmt/format.h>
#include <signal.h>

#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/outcome.hpp"
#include "exec/executor_body.hpp"
#include "support/ring_bytes.hpp"

namespace parrun::test {

class FakeBody final : public ExecutorBody {
 public:
  explicit FakeBody(bool killable = true) : killable_(killable) {}

  Channel& channel() override { return *channel_; }
  void start() override {
    channel_ = std::make_unique<Channel>();
    started_ = 0;
    resumed_ = 0;
    executing_.reset();
    ++starts;
  }
  std::optional<Death> poll_death() override {
    if (fault) throw std::runtime_error(*fault);
    return std::exchange(death_, std::nullopt);
  }
  bool kill() override {
    if (killable_) ++kills;
    return killable_;
  }
  Capture::Text take_output(std::optional<std::uint64_t> limit) override {
    taken_up_to = limit;
    return std::exchange(output, {});
  }
  void trim_output(std::uint64_t limit) override { trimmed = limit; }
  bool has_leftovers() const override { return leftovers; }

  /// Starts the next task that may start. None: nothing is there, or it was taken back.
  std::optional<Assignment> begin_next(TimePoint now) {
    while (channel_->tasks.has_data()) {
      const Bytes frame = read_frame();
      ByteReader in(frame);
      const auto kind = in.get<FrameKind>();
      if (kind == FrameKind::resume) ++resumed_;
      if (kind == FrameKind::release) ++releases;
      if (kind != FrameKind::order || !channel_->claim(started_, resumed_, now)) continue;
      ++started_;
      const TaskId task(in.get<std::uint64_t>());
      executing_ = Assignment{task, in.get<std::int32_t>()};
      return executing_;
    }
    return std::nullopt;
  }

  /// The task that began ends. REQUIRES: begin_next() gave one.
  void finish(State state = State::succeeded) {
    Outcome outcome;
    outcome.task = executing_.value().task;
    outcome.attempt = executing_.value().attempt;
    outcome.state = state;
    executing_.reset();
    channel_->outcomes.write(framed(encode(outcome)));
  }

  /// As a task does that writes over all that it shares, but for the rings.
  void write_over_counts(int byte) {
    std::memset(reinterpret_cast<char*>(channel_.get()) + 2 * sizeof(Ring), byte,
                sizeof(Channel) - 2 * sizeof(Ring));
  }
  /// As one does that writes over the count of those that have begun.
  void claim_more() { channel_->claim(started_, resumed_, Clock::now()), ++started_; }

  /// What poll_death() is going to tell.
  void die(int wait_status) { death_ = Death{wait_status, 0}; }
  void die_for(ExceededLimit limit, const Assignment& attempt) {
    death_ = Death{.wait_status = SIGKILL, .exceeded = limit, .exceeded_by = attempt};
  }
  void fail_to_fork(int error) { death_ = Death{0, error}; }

  int starts = 0;
  int kills = 0;
  bool leftovers = false;  ///< of the last attempt, which are being removed
  int releases = 0;        ///< times that it was told that values were released
  Capture::Text output;
  std::optional<std::uint64_t> taken_up_to;  ///< of its output, when it died last
  std::optional<std::uint64_t> trimmed;      ///< to which its output was trimmed last
  std::optional<std::string> fault;          ///< poll_death() throws it

 private:
  Bytes read_frame() {
    const Bytes size = read_bytes(channel_->tasks, sizeof(std::uint64_t));
    return read_bytes(channel_->tasks, ByteReader(size).get<std::uint64_t>());
  }

  bool killable_;
  std::unique_ptr<Channel> channel_;
  std::uint64_t started_ = 0;
  std::uint64_t resumed_ = 0;
  std::optional<Assignment> executing_;
  std::optional<Death> death_;
};

}  // namespace parrun::test
