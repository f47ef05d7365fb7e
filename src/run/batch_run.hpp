#pragma once
// A whole run of a batch file, on every rank: what the command `parrun jobs.bin` is made of.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "batch/batch_file.hpp"
#include "core/halt.hpp"
#include "core/shard.hpp"
#include "exec/attempt.hpp"
#include "record/record_file.hpp"
#include "run/delivery.hpp"
#include "run/dispatcher.hpp"
#include "run/surroundings.hpp"

namespace parrun {

struct RunOptions {
  std::string batch_file;
  Shard shard;                       ///< the part of the batch that is run
  std::vector<std::string> modules;  ///< to load before anything is forked
  Limits limits;
  std::shared_ptr<Surroundings> surroundings;  ///< or null
  ResourceLimits resources;
  Dispatcher::Retry retry;
  std::optional<HaltRule> halt;
  Duration grace = std::chrono::seconds(10);  ///< for what runs when a signal ends the run
  ExecutorSettings executors;
  bool kill_overrunning = false;
  bool threads = false;  ///< functions are executed on a thread of the rank
  Order order = Order::completion;
  bool longest_first = false;                 ///< what costs most is started first
  std::optional<record::OpenOptions> record;  ///< none: nothing is recorded
  bool may_move = false;                      ///< who resumes the run may be on another host
  bool replay = false;                        ///< tell the results of earlier runs too
};

/// What is known when a run begins.
struct RunStart {
  const BatchFile& batch;   ///< lives as long as the run
  std::string record = {};  ///< its path, or empty
  std::string record_here_alone =
      {};                    ///< the file system's name, where a run that resumes will not find the record
  bool begins_anew = false;  ///< there was no record to resume
  StateCounts settled = {};  ///< tasks of the shard that are not run again
  Shard shard = {};
};

// What a run tells, on rank 0 only; where it goes (stdout, a terminal, a file) is the listener's business.
class RunListener : public DeliveryListener {
 public:
  using Outstanding = std::vector<TimeoutError::Outstanding>;

  /// Before anything is run. Throws InputError where what will be told cannot go where it is to go.
  virtual void check() = 0;
  /// What went wrong, and what the user can do about it, in a line.
  virtual void on_error(const std::string& why) = 0;
  virtual void on_start(const RunStart& start) = 0;
  /// Every task has its outcome already.
  virtual void on_nothing_to_do() = 0;
  /// The order by costs that is asked for is that of the batch, for no task has one.
  virtual void on_no_costs() = 0;
  /// An attempt after which another one will be made.
  virtual void on_retried(const Outcome& outcome, const std::string& label) = 0;
  /// Once in each turn of the loop.
  virtual void on_turn(const Dispatcher::Counts& counts, TimePoint now) = 0;
  /// Everything told so far has been passed on.
  virtual bool flushed() const = 0;
  /// Why results cannot be passed on where they go, in a line.
  virtual std::optional<std::string> failure() const = 0;
  /// A signal has come: nothing more is started, and what runs has `grace` to end. Perhaps the last that is
  /// told.
  virtual void on_signal(int number, Duration grace, const Dispatcher::Counts& counts,
                         const Outstanding& outstanding) = 0;
  virtual void on_limit(const Expiry& expiry, const Outstanding& outstanding) = 0;
  /// The run ends early, as it was asked to.
  virtual void on_halt(const HaltRule& rule) = 0;
  /// The surroundings were asked to start the run again; `refusal`: why they will not, or nothing.
  virtual void on_run_again(const std::string& refusal) = 0;
  virtual void on_end(const Dispatcher::Counts& counts, TimePoint now) = 0;
};

/// Made on rank 0 once the process may have threads.
using MakeListener = std::function<std::unique_ptr<RunListener>()>;

/// Executes the batch; called on every rank. Returns the exit code for this rank; a limit ends the whole job.
int run_batch(const RunOptions& options, const MakeListener& make_listener, TimePoint start);

}  // namespace parrun
