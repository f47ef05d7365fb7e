#pragma once
#include <functional>
#include <memory>
#include <ranges>
#include <type_traits>
#include <utility>

#include "parrun/call_options.hpp"
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

// What is derived from one is a task too.
template <typename T>
concept IsTask = requires(const T& given) {
  []<typename R>(const Task<R>& /*task*/) {}(given);
};
template <typename T>
concept IsTaskRange = std::ranges::input_range<T> && requires {
  typename ResultOfRange<T>;
};

// What a call of a pool is given for its tasks; where it is no range of them, the compiler is told so.
template <typename Given>
struct TasksGiven {
  static constexpr bool kFit = IsTaskRange<Given>;
  static_assert(!IsTask<Given>, "a single task is given to submit(); here a range of tasks is wanted");
  static_assert(kFit || IsTask<Given>,
                "a range of tasks is wanted: a std::vector of parrun::task<f>(...), or of values in a range "
                "values | std::views::transform([](auto value) { return parrun::task<f>(value); })");
};

// As in map(f, values): no tasks, and behind them no options.
template <typename Given, typename... More>
concept NoTasks = !IsTaskRange<Given> && sizeof...(More) > 0 &&
                  (!std::is_convertible_v<More, CallOptions> || ...);

template <typename Given>
struct TaskGiven {
  static_assert(
      IsTask<Given>,
      "submit() is given a task, submit(parrun::task<f>(1, 2)), or submit<f>(1, 2) for short; a function "
      "object by submit(parrun::task(object, 1, 2))");
};

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
