#pragma once
// What a run is in, where it is in something: the job of a batch system, that ends it and may start it again.

#include <optional>
#include <string>

#include "core/limit_watch.hpp"

namespace parrun {

// Used on rank 0 only, once it may have threads. Nothing but run_again() waits for an answer.
class Surroundings {
 public:
  virtual ~Surroundings() = default;

  /// When they end the run, as far as is known now. From the first call on they are asked.
  virtual std::optional<OuterLimit> end() = 0;
  /// They have answered, or do not. REQUIRES: end() was called.
  virtual bool end_known() = 0;

  /// They are to start the run again where it ends early.
  virtual bool restarts() const = 0;
  /// Has them start the run again later. Returns why they will not, in a line, or nothing; takes its time.
  virtual std::string run_again() = 0;
};

/// How a run ended.
struct EarlyEnd {
  int signal = 0;            ///< that ended it, or 0: a limit
  bool left = false;         ///< tasks are left to do
  bool fruitless = false;    ///< no task came to its end in it
  int fruitless_before = 0;  ///< runs that were the same, right before this one
};

enum class Again { no, yes, in_vain };

/// Whether such a run is to be started again: where the job's end, or the warning of it, came before the
/// batch's; other signals are somebody's wish to end it. One run that brings no task to its end may have
/// started late; where several do not, the next would not either.
Again comes_again(const EarlyEnd& end);

}  // namespace parrun
