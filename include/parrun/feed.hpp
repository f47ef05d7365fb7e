#pragma once
#include <functional>
#include <memory>
#include <ranges>
#include <utility>

#include "parrun/task.hpp"

namespace parrun::detail {

using TakeCall = std::function<void(const CallFields&)>;
/// Shows the next task; false at the end.
using Feed = std::function<bool(const TakeCall&)>;

template <typename T>
struct ResultOf;
template <typename R>
struct ResultOf<Task<R>> {
  using type = R;
};
template <typename Tasks>
using ResultOfRange = typename ResultOf<std::ranges::range_value_t<Tasks>>::type;

// Pulls tasks out of any input range, an endless one too. Tasks is T for an rvalue, which is kept, and T& for
// an lvalue, which is referred to. The next task is looked for when it is wanted, not before.
template <typename Tasks>
class FeedState {
 public:
  explicit FeedState(Tasks&& range) : tasks_(std::forward<Tasks>(range)), next_(std::ranges::begin(tasks_)) {}
  FeedState(const FeedState&) = delete;
  FeedState& operator=(const FeedState&) = delete;

  bool show_next(const TakeCall& take) {
    if (std::exchange(shown_, true)) ++next_;
    if (next_ == std::ranges::end(tasks_)) return false;
    const auto& shown = *next_;
    take(shown.fields());
    return true;
  }

 private:
  Tasks tasks_;
  std::ranges::iterator_t<Tasks> next_;
  bool shown_ = false;  ///< the task that next_ stands at
};

template <typename Tasks>
Feed feed_from(Tasks&& tasks) {
  return [state = std::make_shared<FeedState<Tasks>>(std::forward<Tasks>(tasks))](const TakeCall& take) {
    return state->show_next(take);
  };
}

}  // namespace parrun::detail
