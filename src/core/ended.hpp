#pragma once
#include <memory>
#include <utility>

#include "base/shared_bytes.hpp"
#include "core/outcome.hpp"

namespace parrun {

// What an attempt came to, on its way through rank 0: most stay as their workers encoded them, where their
// message lies, until somebody wants to see all of it.
class Ended {
 public:
  /// Throws FormatError where that is no outcome. `host` outlives it. `value_size`: where that is not 0, so
  /// many of the message's first bytes are the value.
  Ended(SharedBytes encoded, Rank rank, const std::string& host, std::size_t value_size = 0)
      : head_(decode_outcome_head(encoded)),
        rank_(rank),
        encoded_(std::move(encoded)),
        value_size_(value_size),
        host_(&host) {}
  explicit Ended(Outcome outcome)
      : head_{{outcome.task, outcome.attempt}, outcome.state, outcome.exit_code, outcome.elapsed_s},
        rank_(outcome.rank),
        outcome_(std::make_unique<Outcome>(std::move(outcome))) {}

  const OutcomeHead& head() const { return head_; }
  TaskId task() const { return head_.attempt.task; }
  State state() const { return head_.state; }
  bool succeeded() const { return head_.state == State::succeeded; }
  Rank rank() const { return rank_; }
  /// Its own, without the earlier attempts: what was sent, where a worker sent it.
  std::size_t bytes() const { return outcome_ ? size_of(*outcome_) : value_size_ + encoded_.view().size(); }
  /// The memory that it keeps is its own from now on: of those that keep the same message the first who
  /// claims has all of it. To be said once. Returns claimed().
  std::size_t claim() {
    claimed_ = sizeof *this;
    if (!outcome_) return claimed_ += encoded_.claim();
    claimed_ += size_of(*outcome_);
    for (const Outcome& attempt : outcome_->earlier) claimed_ += size_of(attempt);
    return claimed_;
  }
  /// [bytes]
  std::size_t claimed() const { return claimed_; }

  /// Into memory that there is.
  void move_to(Outcome& outcome) && {
    if (outcome_) {
      outcome = std::move(*outcome_);
    } else {
      decode_to(outcome);
      outcome.rank = rank_;
      if (outcome.host != *host_) outcome.host = *host_;
      outcome.earlier.clear();
    }
  }
  Outcome outcome() && {
    Outcome outcome;
    std::move(*this).move_to(outcome);
    return outcome;
  }
  /// It does not keep its message, of which others may be gone long before it.
  Ended apart() && {
    const bool alone = outcome_ || value_size_ > 0;
    if (!alone) encoded_ = Bytes(encoded_.view());
    return std::move(*this);
  }

 private:
  void decode_to(Outcome& outcome) {
    if (value_size_ == 0) return decode_outcome(encoded_, outcome);
    Bytes value = std::exchange(outcome.value, {});  // as large as it is: to shorten it costs nothing
    decode_outcome(encoded_, outcome);
    std::move(encoded_).move_first_to(value_size_, value);
    outcome.value = std::move(value);
  }

  OutcomeHead head_;
  Rank rank_;
  SharedBytes encoded_;
  std::size_t value_size_ = 0;
  const std::string* host_ = nullptr;
  std::unique_ptr<Outcome> outcome_;  ///< in place of both
  std::size_t claimed_ = 0;           ///< by itself: written last before all is moved
};

}  // namespace parrun
