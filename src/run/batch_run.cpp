#include "run/batch_run.hpp"

#include <fmt/format.h>

#include <set>
#include <thread>

#include "base/exit_code.hpp"
#include "batch/batch_file.hpp"
#include "exec/registry.hpp"

namespace parrun {
namespace {

// After a limit: for the outcomes that are on their way, and for a reader of ours to take the last of them.
constexpr Duration kTakeInLimit = std::chrono::milliseconds(200);
constexpr Duration kFlushLimit = std::chrono::milliseconds(200);
// For a worker to end what it executes, where all is well.
constexpr Duration kHaltLimit = std::chrono::seconds(15);
constexpr std::uint32_t kEpoch = 1;

class BatchSource final : public TaskSource {
 public:
  explicit BatchSource(BatchFile& batch) : batch_(batch) {}
  std::uint64_t pull(std::uint64_t /*wanted*/) override { return batch_.size(); }
  bool exhausted() const override { return true; }
  BytesView payload(TaskId task) override {
    // Slow tasks are looked at once more when they end: what is just behind stays in memory.
    if (task.get() > kKeptBehind) batch_.release_before(TaskId(task.get() - kKeptBehind));
    return batch_.payload(task);
  }

 private:
  static constexpr std::uint64_t kKeptBehind = 100'000;  // tasks
  BatchFile& batch_;
};

std::string load_modules(const std::vector<std::string>& modules) {
  try {
    for (const std::string& module : modules) load_module(module);
    return {};
  } catch (const InputError& error) {
    return error.what();  // told after MPI_Init: until then no rank knows whether it is the one to say it
  }
}

void require_functions(const BatchFile& batch, const std::string& path) {
  for (const std::string& name : batch.functions()) {
    if (find_function(name) != nullptr) continue;
    throw InputError(fmt::format(
        "{} calls the task function '{}', which this parrun does not have; give --load its module", path,
        name));
  }
}

// What is finished gets out if somebody reads it; one who does not is not waited for.
void flush_briefly(const RunListener& listener) {
  const TimePoint give_up = Clock::now() + kFlushLimit;
  while (!listener.flushed() && Clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// What could not be ended in time, and is not told by anybody else.
void write_off_silent(Dispatcher& dispatcher, const Expiry& expiry) {
  if (expiry.kind != Expiry::Kind::lost && expiry.kind != Expiry::Kind::signal) return;
  const std::set<Rank> silent = dispatcher.not_stopped();
  for (const Rank worker : silent) dispatcher.write_off(worker, expiry.what, Clock::now());
}

// Rank 0's part.
class BatchRun {
 public:
  BatchRun(Session& session, const RunOptions& options, RunListener& listener)
      : session_(session), options_(options), listener_(listener) {}

  int run(const std::string& problem) {
    if (auto expired = session_.gather(options_.limits, problem)) {
      listener_.on_limit(*expired, {});
      listener_.on_end({}, Clock::now());
      flush_and_abort(*expired);
    }
    BatchFile batch(options_.batch_file);
    require_functions(batch, options_.batch_file);
    BatchSource source(batch);
    const Begin begin{.epoch = kEpoch,
                      .timeout = options_.limits.timeout,
                      .json_values = true,
                      .threads = options_.threads,
                      .kill_overrunning = options_.kill_overrunning,
                      .resources = options_.resources};
    const auto head = [&](TaskId task) { return decode_task_head(batch.payload(task)); };
    const Dispatcher::Sink sink{
        .on_last = [&](const Outcome& outcome) { listener_.on_outcome(outcome, head(outcome.task)); },
        .on_retried = [&](const Outcome& outcome) { listener_.on_retried(outcome, head(outcome.task)); }};
    Dispatcher dispatcher(session_.crew(), source, begin, options_.retry, sink);
    work(dispatcher);
    return end(dispatcher);
  }

 private:
  // Returns when all tasks are done, or those that are to be.
  void work(Dispatcher& dispatcher) try {
    while (!dispatcher.finished() && !dispatcher.expired() && !halted_now_) {
      session_.turn([&](TimePoint now) { return step(dispatcher, now); });
      require_output();
      if (halts(dispatcher)) halt(dispatcher);
    }
    if (dispatcher.finished() || halted_now_) return;
    const Expiry expiry = *dispatcher.expired();
    listener_.on_limit(expiry, dispatcher.outstanding(Clock::now()));
    stop(dispatcher, kTakeInLimit);
    write_off_silent(dispatcher, expiry);
    listener_.on_end(counts_at_stop(dispatcher), Clock::now());
    flush_and_abort(expiry);
  } catch (const std::exception&) {
    end_tasks(dispatcher);
    throw;
  }

  // No task outlives the run, not even by mpirun's own second; but the first error is the one to tell.
  void end_tasks(Dispatcher& dispatcher) try {
    stop(dispatcher, kTakeInLimit);
  } catch (const std::exception&) {
  }

  bool step(Dispatcher& dispatcher, TimePoint now) {
    dispatcher.hold(listener_.congested());
    const bool busy = dispatcher.turn(now);
    listener_.on_turn(dispatcher.counts(), now);
    return busy;
  }

  bool stop(Dispatcher& dispatcher, Duration limit) {
    dispatcher.stop();
    return session_.turn_until(
        Clock::now() + limit, [&] { return dispatcher.stopped(); },
        [&](TimePoint now) { return step(dispatcher, now); });
  }

  static Dispatcher::Counts counts_at_stop(const Dispatcher& dispatcher) {
    Dispatcher::Counts counts = dispatcher.counts();
    counts.executing = dispatcher.outstanding(Clock::now()).size();  // what could not be ended
    return counts;
  }

  bool halts(const Dispatcher& dispatcher) const {
    if (!options_.halt || halt_code_) return false;
    const Dispatcher::Counts counts = dispatcher.counts();
    return reached(
        *options_.halt,
        {.succeeded = counts.done - counts.failed, .failed = counts.failed, .total = counts.known});
  }

  // What is ended or not started by it is no failure: the code is decided here.
  void halt(Dispatcher& dispatcher) {
    const HaltRule& rule = *options_.halt;
    const bool well = rule.why == HaltRule::Why::success || dispatcher.counts().failed == 0;
    halt_code_ = well ? 0 : exit_code::kSomeTaskFailed;
    if (dispatcher.finished()) return;
    listener_.on_halt(rule);
    if (rule.when == HaltRule::When::soon) return dispatcher.drain();
    halted_now_ = true;
    if (!stop(dispatcher, kHaltLimit)) throw std::runtime_error("a rank does not end its task at --halt now");
  }

  // All tasks are done; what they wrote must still get out, within the limits of the run. A reader that does
  // not read is a stall like any other.
  int end(const Dispatcher& dispatcher) {
    listener_.on_end(dispatcher.counts(), Clock::now());
    session_.crew().watch().on_wait(Clock::now());
    std::optional<Expiry> expired;
    while (!listener_.flushed() && !expired) {
      session_.turn([&](TimePoint now) {
        const bool news = session_.crew().receive(now).has_value();
        expired = session_.crew().expired(now);
        return news;
      });
    }
    if (expired) {
      listener_.on_limit(*expired, {});
      flush_and_abort(*expired);
    }
    session_.crew().watch().on_rest();
    require_output();
    const int own_code = dispatcher.counts().failed == 0 ? 0 : exit_code::kSomeTaskFailed;
    const int code = halt_code_.value_or(own_code);
    session_.dismiss(code);
    return code;
  }

  void require_output() const {
    if (!listener_.output_failed()) return;
    throw std::runtime_error("results cannot be written to stdout (a full disk?); the run is ended");
  }

  [[noreturn]] void flush_and_abort(const Expiry& expiry) {
    flush_briefly(listener_);
    drain_output();
    abort_job(expiry.signal == 0 ? exit_code::kLimitReached : exit_code::kSignal + expiry.signal);
  }

  Session& session_;
  const RunOptions& options_;
  RunListener& listener_;
  bool halted_now_ = false;
  std::optional<int> halt_code_;  ///< once --halt's condition has been met
};

}  // namespace

int run_batch(const RunOptions& options, const MakeListener& make_listener, TimePoint start) {
  const std::string problem = load_modules(options.modules);
  Session session(start, options.limits.deadline, options.limits.lost_after, options.executors);
  session.heed_signals();
  std::unique_ptr<RunListener> listener;
  try {
    if (!session.is_dispatcher()) {
      session.serve(problem);
      return 0;
    }
    listener = make_listener();
    return BatchRun(session, options, *listener).run(problem);
  } catch (const InputError& error) {
    listener->on_refused(error.what());
    session.dismiss(exit_code::kUsage);
    return exit_code::kUsage;
  } catch (const std::exception& error) {
    if (listener) flush_briefly(*listener);
    end_job_for(error);
  }
}

}  // namespace parrun
