#pragma once
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "parrun/done.hpp"
#include "parrun/pull_iterator.hpp"

namespace parrun {
namespace detail {

/// One call on a pool, under way.
class CallRun {
 public:
  virtual ~CallRun() = default;  ///< leaves it
  /// Waits for the next outcome, which goes to `outcome`. False at the end. Throws TimeoutError, what the
  /// caller's range threw, and where the call fails fast a task's error; each once, when what had arrived has
  /// been taken.
  virtual bool next(Outcome& outcome) = 0;
};

}  // namespace detail

/// Results as they come: an input range, to be gone through once. Move-only; must not outlive its pool,
/// unless it was gone through to its end. Destroyed before its end it cancels what was not started, and ends
/// what runs or waits for it (OnLeave).
template <typename R>
class Results {
 public:
  using iterator = detail::PullIterator<Results, Done<R>>;

  explicit Results(std::unique_ptr<detail::CallRun> run) : run_(std::move(run)) {}

  /// Waits for the first result. begin() and ++ throw TimeoutError when a limit is reached, what the range of
  /// tasks throws, and in ordered() a task's error: once, after the results that had arrived were given (in
  /// ordered() there may be gaps between the last of them).
  iterator begin() {
    advance();
    return iterator(*this);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  friend iterator;

  Done<R>* current() { return current_ ? &*current_ : nullptr; }
  // Behind an exception too it is at its end: what stood here before was given already.
  void advance() try {
    if (!current_) current_.emplace(Outcome());
    if (!run_->next(current_->outcome_)) current_.reset();
  } catch (...) {
    current_.reset();
    throw;
  }

  std::unique_ptr<detail::CallRun> run_;
  std::optional<Done<R>> current_;
};

}  // namespace parrun
