#pragma once
#include <memory>
#include <utility>

#include "core/limit_watch.hpp"
#include "run/surroundings.hpp"

namespace parrun {

// When the surroundings of a run end, as the limits are to know it.
class OuterLimitSource {
 public:
  static constexpr Duration kLookEvery = std::chrono::milliseconds(100);
  // For the surroundings to say when they end.
  static constexpr Duration kAnswerLimit = std::chrono::seconds(2);

  /// `surroundings`: or null.
  explicit OuterLimitSource(std::shared_ptr<Surroundings> surroundings)
      : surroundings_(std::move(surroundings)) {}

  void look(LimitWatch& watch, TimePoint now) {
    if (!surroundings_ || now < next_look_) return;
    next_look_ = now + kLookEvery;
    watch.set_outer(surroundings_->end());
  }

  /// What does not fit before the end is not to be started because the end is not known yet; but who does not
  /// tell it, asked `from` then on, is not waited for.
  bool known(LimitWatch& watch, TimePoint from) {
    if (!surroundings_) return true;
    const TimePoint now = Clock::now();
    if (!surroundings_->end_known() && now < from + kAnswerLimit) return false;
    next_look_ = {};
    look(watch, now);
    return true;
  }

 private:
  std::shared_ptr<Surroundings> surroundings_;
  TimePoint next_look_{};
};

}  // namespace parrun
