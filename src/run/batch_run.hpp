#pragma once
// A whole run of a batch file, on every rank: what the command `parrun jobs.bin` is made of.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "batch/task_spec.hpp"
#include "core/halt.hpp"
#include "exec/attempt.hpp"
#include "run/dispatcher.hpp"
#include "run/session.hpp"

namespace parrun {

struct RunOptions {
  std::string batch_file;
  std::vector<std::string> modules;  ///< to load before anything is forked
  Limits limits;
  ResourceLimits resources;
  Dispatcher::Retry retry;
  std::optional<HaltRule> halt;
  ExecutorSettings executors;
  bool kill_overrunning = false;
  bool threads = false;  ///< functions are executed on a thread of the rank
};

// What a run tells, on rank 0 only; where it goes (stdout, a terminal, a file) is the listener's business.
class RunListener {
 public:
  virtual ~RunListener() = default;

  /// Nothing was run: `why` says what the user can do about it.
  virtual void on_refused(const std::string& why) = 0;
  virtual void on_outcome(const Outcome& outcome, const TaskHead& task) = 0;
  /// An attempt after which another one will be made.
  virtual void on_retried(const Outcome& outcome, const TaskHead& task) = 0;
  /// Once in each turn of the loop.
  virtual void on_turn(const Dispatcher::Counts& counts, TimePoint now) = 0;
  /// Outcomes come faster than they can be passed on: nothing is given out until this is false again.
  virtual bool congested() const = 0;
  /// Everything told so far has been passed on.
  virtual bool flushed() const = 0;
  /// Results could not be written where they go.
  virtual bool output_failed() const = 0;
  virtual void on_limit(const Expiry& expiry, const std::vector<TimeoutError::Outstanding>& outstanding) = 0;
  /// The run ends early, as it was asked to.
  virtual void on_halt(const HaltRule& rule) = 0;
  virtual void on_end(const Dispatcher::Counts& counts, TimePoint now) = 0;
};

/// Made on rank 0 once the process may have threads.
using MakeListener = std::function<std::unique_ptr<RunListener>()>;

/// Executes the batch; called on every rank. Returns the exit code for this rank; a limit ends the whole job.
int run_batch(const RunOptions& options, const MakeListener& make_listener, TimePoint start);

}  // namespace parrun
