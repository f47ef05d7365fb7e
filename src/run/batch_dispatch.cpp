#include "run/batch_dispatch.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <cstring>
#include <memory>
#include <thread>

#include "base/duration.hpp"
#include "base/exit_code.hpp"
#include "base/in_background.hpp"
#include "run/batch_source.hpp"
#include "run/outer_limit_source.hpp"
#include "wire/mpi_environment.hpp"

namespace parrun {
namespace {

// After a limit: for the outcomes that are on their way, and for a reader of ours to take the last of them.
constexpr Duration kTakeInLimit = std::chrono::milliseconds(200);
constexpr Duration kFlushLimit = std::chrono::milliseconds(200);
// For a disk to take the last of what has finished.
constexpr Duration kCommitLimit = std::chrono::seconds(2);
// For a worker to end what it executes, where all is well.
constexpr Duration kHaltLimit = std::chrono::seconds(15);
// For the surroundings to say whether they will start the run again.
constexpr Duration kRunAgainLimit = std::chrono::seconds(12);

class BatchRun {
 public:
  BatchRun(Session& session, const RunOptions& options, RunListener& listener, OpeningBatch opening_batch)
      : session_(session),
        options_(options),
        listener_(listener),
        opening_batch_(std::move(opening_batch)),
        outer_limit_(options.surroundings) {}

  int run(const std::string& problem) {
    if (options_.surroundings) options_.surroundings->end();  // they have the moments that follow to answer
    if (auto expired = session_.gather(options_.limits, problem)) {
      listener_.on_limit(*expired, {});
      listener_.on_end({}, Clock::now());
      have_run_again_behind(*expired, true);
      abort_with(expired->code());
    }
    listener_.check();
    if (!opening_batch_.file.valid()) opening_batch_ = open_batch(options_.batch_file);
    Opening opening(session_.crew().watch(), [this](const auto& done) { wait_for(done); });
    const std::shared_ptr<BatchFile> batch_file = opening.batch(std::move(opening_batch_));
    BatchFile& batch = *batch_file;
    require_functions(batch, options_.batch_file);
    if (needs_processes(batch, options_.threads)) session_.crew().broadcast(Prepare{});  // beside the record
    const record::Settled settled = begin_delivery(batch, opening);
    opening_ = !nothing_to_do_;
    if (nothing_to_do_) {
      listener_.on_nothing_to_do();
      return end(code_of_finished(settled), std::nullopt);
    }
    wait_for([this, from = Clock::now()] { return outer_limit_.known(session_.crew().watch(), from); });
    BatchSource source(batch);
    const Dispatcher::Sink sink{
        .on_last = [&](Ended&& ended) { take(std::move(ended).outcome(), batch); },
        .on_retried =
            [&](const Outcome& outcome) { listener_.on_retried(outcome, label_of(outcome.task, batch)); }};
    fruitless_before_ = settled.fruitless_runs;
    failed_before_ = settled.tasks.count() - settled.by_state[State::succeeded];
    Dispatcher::StartingPoint from = starting_point(settled, options_.shard, batch.size());
    if (options_.longest_first) from.order = opening.longest_first(batch_file);
    if (options_.longest_first && from.order.empty()) listener_.on_no_costs();
    // Before, nothing has run that could come to its end: a signal does not wait for ranks and disks.
    session_.graceful(true);
    Dispatcher dispatcher(session_.crew(), source, begin_of(options_, session_.crew()), options_.retry, sink,
                          std::move(from));
    opening_ = false;
    return run_tasks(dispatcher);
  }

 private:
  using Step = std::function<bool(TimePoint)>;

  // The beginning.

  record::Settled begin_delivery(const BatchFile& batch, Opening& opening) {
    RunStart start{.batch = batch, .shard = options_.shard};
    record::Settled settled;
    if (options_.record) {
      record::RecordFile file = open_record(start, opening);
      settled = file.settled();
      nothing_to_do_ = file.nothing_to_do();
      delivery_ = deliver_recorded(listener_, options_.order, std::move(file), options_.replay);
    } else {
      delivery_ = deliver_directly(listener_, options_.order, options_.shard);
    }
    start.settled = settled.by_state;
    listener_.on_start(start);
    return settled;
  }

  record::RecordFile open_record(RunStart& start, Opening& opening) {
    auto [file, file_system] = opening.record(*options_.record, session_.ranks(),
                                              {.path = options_.batch_file,
                                               .content_hash = start.batch.content_hash(),
                                               .tasks = start.batch.size(),
                                               .shard = options_.shard});
    start.record = file.path();
    start.begins_anew = file.was_made() && options_.record->existing == record::OpenOptions::Existing::resume;
    if (options_.may_move && file_system && !file_system->shared) start.record_here_alone = file_system->name;
    return std::move(file);
  }

  void take(Outcome&& outcome, const BatchFile& batch) {
    ended_.add(outcome.state);
    std::string label = label_of(outcome.task, batch);
    delivery_->take(std::move(outcome), std::move(label));
  }

  // Work.

  // From here on something was run, so that an error is none of the input.
  int run_tasks(Dispatcher& dispatcher) try {
    work(dispatcher);
    return end(code(dispatcher), last_counts(dispatcher));
  } catch (const InputError& error) {
    throw std::runtime_error(error.what());
  }

  // Returns when all tasks are done, or those that are to be.
  void work(Dispatcher& dispatcher) try {
    while (!dispatcher.finished() && !dispatcher.expired() && !halted_now_) {
      heed_signal(dispatcher);  // first, for it may have come while we started
      session_.turn(steps_of(dispatcher));
      require_output();
      if (halts(dispatcher)) halt(dispatcher);
    }
    if (!dispatcher.expired()) return;
    end_at(dispatcher, *dispatcher.expired());
  } catch (const std::exception&) {
    end_tasks(dispatcher);
    throw;
  }

  [[noreturn]] void end_at(Dispatcher& dispatcher, const Expiry& expiry) {
    const Step go_on = steps_of(dispatcher);
    listener_.on_limit(expiry, dispatcher.outstanding(Clock::now()));
    stop(dispatcher, kTakeInLimit, go_on);
    const bool told_by_nobody = expiry.kind == Expiry::Kind::lost || expiry.kind == Expiry::Kind::signal;
    if (told_by_nobody) dispatcher.write_off_silent(expiry.what, Clock::now());
    delivery_->end_order();
    turn_until([&] { return delivery_->done() || (delivery_->safe() && listener_.congested()); }, go_on);
    listener_.on_end(last_counts(dispatcher), Clock::now());
    if (const auto failure = delivery_->failure()) listener_.on_error(*failure);
    delivery_->finish(expiry.code());
    turn_until([&] { return delivery_->closed(); }, go_on);
    have_run_again_behind(expiry, is_left(dispatcher.counts()));
    abort_with(expiry.code());
  }

  // Of what is in flight still executes what could not be ended.
  static Dispatcher::Counts last_counts(const Dispatcher& dispatcher) {
    Dispatcher::Counts counts = dispatcher.counts();
    counts.executing = dispatcher.outstanding(Clock::now()).size();
    return counts;
  }

  bool is_left(const Dispatcher::Counts& counts) const {
    return counts.settled + ended_.settled() < counts.known;
  }

  // What ended the run may be no fault of its own.
  void have_run_again_behind(const Expiry& expiry, bool left) {
    const bool from_outside = expiry.kind == Expiry::Kind::deadline || expiry.kind == Expiry::Kind::signal;
    if (from_outside) have_run_again(left, expiry.signal);
  }

  void have_run_again(bool left, int signal) {
    if (!options_.surroundings || !options_.surroundings->restarts()) return;
    const Again again = comes_again({.signal = signal,
                                     .left = left,
                                     .fruitless = ended_.settled() == 0,
                                     .fruitless_before = fruitless_before_});
    if (again == Again::no) return;
    if (again == Again::in_vain) return listener_.on_run_again("in several runs no task has come to its end");
    auto answer = in_background([around = options_.surroundings] { return around->run_again(); });
    session_.turn_until(
        Clock::now() + kRunAgainLimit, [&] { return is_ready(answer); },
        [&](TimePoint now) { return session_.crew().receive(now).has_value(); });
    listener_.on_run_again(is_ready(answer) ? answer.get() : "there is no answer");
  }

  // A disk that does not answer, and a full one, are not waited for.
  void turn_until(const std::function<bool()>& done, const Step& step) {
    session_.turn_until(
        Clock::now() + kCommitLimit, [&] { return done() || delivery_->failure(); }, step);
  }

  // No task outlives the run, not even by mpirun's own second, and what has finished is recorded, whatever
  // goes wrong besides; but the first error is the one to tell.
  void end_tasks(Dispatcher& dispatcher) {
    const Step in_spite = [&](TimePoint now) {
      const bool busy = step(dispatcher, now);
      session_.crew().take_trouble();
      return busy;
    };
    try {
      stop(dispatcher, kTakeInLimit, in_spite);
    } catch (const std::exception&) {
    }
    try {
      delivery_->finish(exit_code::kInternalError);
      turn_until([&] { return delivery_->closed(); }, in_spite);
    } catch (const std::exception&) {
    }
  }

  Step steps_of(Dispatcher& dispatcher) {
    return [this, &dispatcher](TimePoint now) { return step(dispatcher, now); };
  }

  bool step(Dispatcher& dispatcher, TimePoint now) {
    outer_limit_.look(session_.crew().watch(), now);
    dispatcher.hold(hold());
    const bool busy = dispatcher.turn(now);
    session_.not_awaited_for(dispatcher.supplied_for());
    const bool told = delivery_->turn();
    const Dispatcher::Counts counts = dispatcher.counts();
    delivery_->set_executing(counts.executing);
    listener_.on_turn(counts, now);
    return busy || told;
  }

  Dispatcher::Hold hold() const {
    if (delivery_->waits_for_earlier()) return Dispatcher::Hold::for_earlier;
    const bool congested = listener_.congested() || delivery_->congested();
    return congested ? Dispatcher::Hold::for_now : Dispatcher::Hold::none;
  }

  bool stop(Dispatcher& dispatcher, Duration limit, const Step& step) {
    dispatcher.stop();
    return session_.turn_until(
        Clock::now() + limit, [&] { return dispatcher.stopped(); }, step);
  }

  // Early ends.

  // The first signal. What runs has its grace; but the launcher may end us before that, so all that has
  // finished is made safe, and told, now.
  void heed_signal(Dispatcher& dispatcher) {
    const int number = session_.signals().number();
    if (number == 0 || dispatcher.expired()) return;
    const TimePoint now = Clock::now();
    if (!grace_end_) {
      grace_end_ = now + options_.grace;
      dispatcher.drain(Dispatcher::Drain::for_now);
      delivery_->hurry();
      session_.turn_until(
          now + kFlushLimit, [&] { return delivery_->safe() || delivery_->failure(); }, steps_of(dispatcher));
      listener_.on_signal(number, options_.grace, dispatcher.counts(), dispatcher.outstanding(Clock::now()));
    }
    end_after_grace(now);
  }

  void end_after_grace(TimePoint now) {
    if (!grace_end_ || now < *grace_end_) return;
    const int number = session_.signals().number();
    session_.crew().end_for({.kind = Expiry::Kind::signal,
                             .rank = {},
                             .what = fmt::format("what still ran {} after SIG{} (--grace) is ended",
                                                 format_duration(options_.grace), sigabbrev_np(number)),
                             .signal = number});
  }

  bool halts(const Dispatcher& dispatcher) const {
    if (!options_.halt || halt_code_) return false;
    // What a signal ends is no failure, and has its grace.
    if (session_.signals().number() != 0 && !dispatcher.finished()) return false;
    const Dispatcher::Counts counts = dispatcher.counts();
    return reached(*options_.halt, {.succeeded = counts.done - counts.settled - counts.failed,
                                    .failed = counts.failed,
                                    .total = counts.known - counts.settled});
  }

  // What is ended or not started by it is no failure: the code is decided here.
  void halt(Dispatcher& dispatcher) {
    const HaltRule& rule = *options_.halt;
    const bool well = rule.why == HaltRule::Why::success || dispatcher.counts().failed == 0;
    halt_code_ = well ? 0 : exit_code::kSomeTaskFailed;
    if (dispatcher.finished()) return;
    listener_.on_halt(rule);
    if (rule.when == HaltRule::When::soon) return dispatcher.drain(Dispatcher::Drain::for_good);
    halted_now_ = true;
    if (!stop(dispatcher, kHaltLimit, steps_of(dispatcher)))
      throw std::runtime_error("a rank does not end its task at --halt now");
  }

  int code(const Dispatcher& dispatcher) const {
    if (grace_end_) return exit_code::kSignal + session_.signals().number();
    if (halt_code_) return *halt_code_;
    return dispatcher.counts().failed + failed_before_ == 0 ? 0 : exit_code::kSomeTaskFailed;
  }

  // The end.

  // All tasks are done; what they wrote must still get out, within the limits of the run. A reader that does
  // not read, and a disk that does not answer, are stalls like any other.
  int end(int code, const std::optional<Dispatcher::Counts>& counts) {
    if (!grace_end_) session_.graceful(false);  // from here on there is nothing that a signal had to wait for
    session_.crew().watch().on_wait(Clock::now());
    delivery_->end_order();
    wait_for([&] { return delivery_->safe(); });
    const auto is_out = [&] { return delivery_->done() && listener_.flushed(); };
    wait_for([&, give_up = Clock::now() + kFlushLimit] { return is_out() || Clock::now() > give_up; });
    if (counts) listener_.on_end(*counts, Clock::now());  // the last line, but where nobody reads the others
    wait_for(is_out);
    delivery_->finish(code);
    wait_for([&] { return delivery_->closed(); });
    session_.crew().watch().on_rest();
    require_output();
    if (grace_end_ && counts) have_run_again(is_left(*counts), session_.signals().number());
    session_.dismiss(code);
    return code;
  }

  void wait_for(const std::function<bool()>& done) {
    std::optional<Expiry> expired;
    while (!done() && !expired) {
      session_.turn([&](TimePoint now) {
        const bool news = session_.crew().receive(now).has_value();
        outer_limit_.look(session_.crew().watch(), now);
        end_after_grace(now);
        expired = session_.crew().expired(now);
        return (delivery_ && delivery_->turn()) || news;
      });
      require_output();
    }
    if (!expired) return;
    listener_.on_limit(*expired, {});
    if (delivery_) make_safe(expired->code());
    if (opening_) have_run_again_behind(*expired, true);
    abort_with(expired->code());
  }

  // What has finished, before the end.
  void make_safe(int code) {
    const Step go_on = [&](TimePoint /*now*/) { return delivery_->turn(); };
    delivery_->hurry();
    turn_until([&] { return delivery_->safe(); }, go_on);
    delivery_->finish(code);
    turn_until([&] { return delivery_->closed(); }, go_on);
  }

  void require_output() const {
    if (const auto failure = delivery_ ? delivery_->failure() : std::nullopt)
      throw std::runtime_error(*failure);
    if (const auto failure = listener_.failure()) throw std::runtime_error(*failure);
  }

  [[noreturn]] void abort_with(int code) {
    flush_briefly(listener_);
    drain_output();
    abort_job(code);
  }

  Session& session_;
  const RunOptions& options_;
  RunListener& listener_;
  OpeningBatch opening_batch_;
  OuterLimitSource outer_limit_;
  std::unique_ptr<Delivery> delivery_;
  bool opening_ = true;  ///< no task has been given out
  bool nothing_to_do_ = false;
  StateCounts ended_;                ///< tasks of this run
  std::uint64_t failed_before_ = 0;  ///< in earlier runs, and not tried again
  int fruitless_before_ = 0;         ///< runs that brought no task to its end, right before this one
  bool halted_now_ = false;
  std::optional<int> halt_code_;        ///< once --halt's condition has been met
  std::optional<TimePoint> grace_end_;  ///< once a signal has come
};

}  // namespace

void flush_briefly(const RunListener& listener) {
  const TimePoint give_up = Clock::now() + kFlushLimit;
  while (!listener.flushed() && Clock::now() < give_up)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

int dispatch_batch(Session& session, const RunOptions& options, RunListener& listener,
                   OpeningBatch opening_batch, const std::string& problem) {
  return BatchRun(session, options, listener, std::move(opening_batch)).run(problem);
}

}  // namespace parrun
