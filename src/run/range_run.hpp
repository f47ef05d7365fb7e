#pragma once
// A call of map, ordered or unordered, as its caller goes through the results.

#include <cstddef>
#include <exception>
#include <functional>
#include <optional>

#include "base/by_id.hpp"
#include "base/bytes.hpp"
#include "base/fifo.hpp"
#include "base/in_order.hpp"
#include "core/ended.hpp"
#include "run/pool_call.hpp"

namespace parrun {

// Tasks that a caller's range yields; each payload is kept until its task is done.
class RangeSource final : public TaskSource {
 public:
  /// Called around the caller's own code, which takes the time it takes.
  struct AroundRange {
    std::function<void()> before = [] {};  ///< each task of it
    std::function<void()> after = [] {};   ///< all that were wanted at once
  };
  RangeSource(detail::Feed feed, std::optional<std::size_t> ahead, AroundRange around)
      : feed_(std::move(feed)), ahead_(ahead), around_(std::move(around)) {}
  RangeSource(const RangeSource&) = delete;
  RangeSource& operator=(const RangeSource&) = delete;

  /// Where the range throws it is at its end; error() has what it threw.
  std::uint64_t pull(std::uint64_t wanted) override;
  bool exhausted() const override { return exhausted_; }
  BytesView payload(TaskId task) override { return open_.at(task.get()).payload.view(); }
  void forget(TaskId task) override;

  /// The caller has taken one more result.
  void on_taken() { ++taken_; }
  const std::exception_ptr& error() const { return error_; }

 private:
  // Payloads' memory stays for further ones as long as that of all places is no more than about this.
  static constexpr std::size_t kMostKeptBytes = std::size_t{32} << 20;
  struct Open {
    ByteWriter payload{Bytes()};
    detail::Kept kept;
  };
  void take_next();
  void take(const detail::CallFields& fields);

  detail::Feed feed_;
  const detail::TakeCall take_ = [this](const detail::CallFields& fields) { take(fields); };
  std::optional<std::size_t> ahead_;  ///< of what was taken, no more is pulled
  AroundRange around_;
  ById<Open> open_;
  std::uint64_t known_ = 0;
  std::uint64_t taken_ = 0;
  bool exhausted_ = false;
  std::exception_ptr error_;
};

class RangeRun final : public detail::CallRun {
 public:
  struct Delivery {
    bool in_order;
    bool fail_fast;
  };
  // Results that nobody has taken may be so large.
  static constexpr std::size_t kMaxUndeliveredBytes = std::size_t{64} << 20;  ///< of memory

  RangeRun(Pool::Impl& pool, detail::Feed feed, const CallOptions& options, Delivery delivery);
  bool next(Outcome& outcome) override;

 private:
  bool must_hold();
  void on_ended(Ended&& ended);
  void deliver(Ended&& result);
  void deliver_over_gaps();
  void end_early();
  bool take_ready(Outcome& outcome);

  Delivery delivery_;
  std::size_t max_undelivered_;
  Session& session_;
  RangeSource source_;
  InOrder<Ended> held_;  ///< in order: results that earlier ones must come before
  Fifo<Ended> ready_;
  std::size_t bytes_ = 0;           ///< that what is held or ready has claimed
  std::uint64_t ended_bytes_ = 0;   ///< of all results so far
  std::uint64_t ended_ = 0;         ///< how many they are
  std::optional<Outcome> failure_;  ///< the first; to be thrown when what is ready has been taken
  bool thrown_ = false;
  PoolCall call_;
};

}  // namespace parrun
