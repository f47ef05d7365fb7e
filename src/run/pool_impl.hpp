#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/in_order.hpp"
#include "parrun/pool.hpp"
#include "run/dispatcher.hpp"
#include "run/session.hpp"

namespace parrun {

/// Tasks that a caller's range yields; each payload is kept until its task is done.
class RangeSource final : public TaskSource {
 public:
  /// `at_rest` is called before the caller's range is asked for more.
  RangeSource(detail::Feed feed, std::function<void()> at_rest)
      : feed_(std::move(feed)), at_rest_(std::move(at_rest)) {}

  std::uint64_t pull(std::uint64_t wanted) override;
  bool exhausted() const override { return exhausted_; }
  BytesView payload(TaskId task) override { return payloads_.at(task); }
  void forget(TaskId task) override { payloads_.erase(task); }

 private:
  detail::Feed feed_;
  std::function<void()> at_rest_;
  std::unordered_map<TaskId, Bytes> payloads_;
  std::uint64_t known_ = 0;
  bool exhausted_ = false;
};

class Pool::Impl {
 public:
  Impl(Session& session, Isolation isolation) : session_(session), isolation_(isolation) {}

  Session& session() { return session_; }
  /// The message that begins the next call. Throws std::logic_error where there can be none.
  Begin begin_call(const Limit& limit);
  /// The call is over. `why_broken`: a task could not be ended; nothing can run here any more.
  void end_call(const std::string& why_broken);
  bool broken() const { return !why_broken_.empty(); }

 private:
  Session& session_;
  Isolation isolation_;
  std::uint32_t epoch_ = 0;
  bool in_call_ = false;
  std::string why_broken_;
};

/// One call of map, ordered or unordered.
class PoolRun final : public detail::CallRun {
 public:
  // Results that nobody has taken: from here on no new task is given out.
  static constexpr std::size_t kMaxUndelivered = 1000;

  PoolRun(Pool::Impl& pool, const Begin& begin, detail::Feed feed, detail::Yield yield);
  PoolRun(const PoolRun&) = delete;
  PoolRun& operator=(const PoolRun&) = delete;
  ~PoolRun() override;

  std::optional<Outcome> next() override;

 private:
  bool step(TimePoint now);
  void on_outcome(Outcome outcome);
  std::optional<Outcome> take_ready();
  void stop();

  Pool::Impl& pool_;
  RangeSource source_;
  detail::Yield yield_;
  InOrder<Outcome> held_;  ///< in order: results that earlier ones must come before
  std::deque<Outcome> ready_;
  bool over_ = false;
  std::optional<TimeoutError> timeout_;  ///< to be thrown when what is ready has been taken
  Dispatcher dispatcher_;
};

}  // namespace parrun
