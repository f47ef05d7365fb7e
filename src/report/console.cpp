#include "report/console.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/duration.hpp"
#include "base/shown_text.hpp"

namespace parrun {
namespace {

constexpr std::uint64_t kFailuresShown = 20;
constexpr std::size_t kOutstandingShown = 20;
constexpr Duration kProgressEvery = std::chrono::milliseconds(200);
constexpr const char* kClearLine = "\r\033[K";

}  // namespace

Console::Console(Options options, TimePoint start)
    : options_(std::move(options)), start_(start), out_(STDOUT_FILENO), err_(STDERR_FILENO) {}

void Console::check() {
  if (!options_.joblog.empty() && !joblog_) joblog_ = std::make_unique<Joblog>(options_.joblog);
}

void Console::say(const std::string& line) { write_err(fmt::format("parrun: {}\n", line)); }

void Console::write_err(std::string text) {
  if (!text.empty() && std::exchange(progress_shown_, false)) text.insert(0, kClearLine);
  err_.write(std::move(text));
}

// In one piece with what takes the line: stderr, on which the progress is, is written by another thread.
void Console::write_out(std::string text) {
  if (options_.beside_progress && !text.empty() && std::exchange(progress_over_out_, false))
    text.insert(0, kClearLine);
  out_.write(std::move(text));
}

void Console::on_error(const std::string& why) { say(why); }

void Console::on_start(const RunStart& start) {
  batch_ = &start.batch;
  record_ = start.record;
  ended_ = start.settled;
  tasks_ = start.shard.tasks_below(start.batch.size());
  if (!start.record_here_alone.empty() && !options_.quiet) {
    say(fmt::format(
        "{} is on {}, this host's own file system: a job that resumes elsewhere does not find it; give "
        "--record a place on a shared one",
        record_, start.record_here_alone));
  }
  if (start.begins_anew && !options_.quiet)
    say(fmt::format("{} was not there to be resumed, and is begun", record_));
  if (!start.shard.whole() && !options_.quiet) {
    say(fmt::format("shard {}: {} of {}{}", to_string(start.shard), tasks_, plural(batch_->size(), "task"),
                    options_.shard_reason.empty() ? "" : ", " + options_.shard_reason));
  }
  check();
  if (joblog_) joblog_->begin(options_.append_joblog);
}

void Console::on_nothing_to_do() {
  if (options_.quiet) return;
  const bool all_succeeded = ended_[State::succeeded] == ended_.total();
  say(fmt::format(
      "nothing to do: {} has the outcomes of all {}: {}; parrun results shows them, --replay too{}", record_,
      plural(tasks_, "task"), ended_.text(),
      all_succeeded ? "" : "; --resume-failed runs what did not succeed again"));
}

void Console::on_no_costs() {
  if (options_.quiet) return;
  say("no task has a cost, so that --order-by longest-first changes nothing: write costs into the batch, or "
      "take those of an earlier run by parrun pack --from BATCH --costs-from RECORD");
}

void Console::on_ended(const Outcome& outcome, const std::string& label) {
  ended_.add(outcome.state);
  // What a limit ended was listed when it was reached.
  if (!outcome.succeeded() && !limit_reached_) show_failure(describe_failure(outcome, label));
  if (!outcome.warning.empty()) show_warning(outcome, label);
  if (joblog_) joblog_->add(outcome, work_text(outcome.task));
}

// A batch that is written over ends the run, and is nothing for this to fail for.
std::string Console::work_text(TaskId task) const {
  TaskSpec spec;
  try {
    spec = decode_task(batch_->payload(task));
  } catch (const std::exception&) {
    return {};
  }
  return options_.work_text(spec);
}

void Console::on_result(const Outcome& outcome, const std::string& label) {
  Printed printed = print(outcome, label, options_.format);
  write_out(std::move(printed.out));
  write_err(std::move(printed.err));
}

void Console::on_retried(const Outcome& outcome, const std::string& label) {
  show_failure(fmt::format("{}; attempt {} follows", describe_failure(outcome, label), outcome.attempt + 1));
}

void Console::show_failure(const std::string& line) {
  if (options_.quiet || options_.format == Format::jsonl) return;  // jsonl has it all on stdout
  if (++failures_shown_ <= kFailuresShown) say(line);
  if (failures_shown_ == kFailuresShown)
    say("further failures are counted, not shown; " +
        where_all_are("--state failed,timed_out,lost,cancelled"));
}

std::string Console::where_all_are(const char* options) const {
  if (record_.empty()) return "--format jsonl shows all";
  return fmt::format("parrun results {} {} shows all", record_, options);
}

void Console::show_warning(const Outcome& outcome, const std::string& label) {
  if (options_.quiet || options_.format == Format::jsonl) return;
  if (++warnings_shown_ <= kFailuresShown) say(describe_warning(outcome, label));
  if (warnings_shown_ == kFailuresShown)
    say("further warnings are not shown; " + where_all_are("--columns task,warning"));
}

void Console::on_halt(const HaltRule& rule) {
  say(fmt::format("--halt {} ends the run: {}", describe(rule),
                  rule.when == HaltRule::When::now ? "what runs is ended" : "nothing more is started"));
}

bool Console::congested() const {
  return out_.congested() || err_.congested() || (joblog_ && joblog_->congested());
}

bool Console::flushed() const { return out_.flushed() && err_.flushed() && (!joblog_ || joblog_->flushed()); }

std::optional<std::string> Console::failure() const {
  if (out_.failed()) return "results cannot be written to stdout (a full disk?); the run is ended";
  if (joblog_ && joblog_->failed()) {
    return fmt::format("{} cannot be written (a full disk?); the run is ended", options_.joblog);
  }
  return std::nullopt;
}

void Console::on_turn(const Dispatcher::Counts& counts, TimePoint now) {
  if (!options_.progress || now < last_progress_ + kProgressEvery) return;
  last_progress_ = now;
  show_progress(counts, now);
}

void Console::show_progress(const Dispatcher::Counts& counts, TimePoint now) {
  const double elapsed_s = to_seconds(now - start_);
  const double rate = static_cast<double>(counts.done - counts.settled) / elapsed_s;
  const std::uint64_t left = counts.known - counts.done;
  const double left_s = std::min(static_cast<double>(left) / rate, 1e9);
  const std::string left_text = counts.done == counts.settled ? "?" : format_duration(from_seconds(left_s));
  err_.write(fmt::format("{}{}/{} done, {} failed, {} running, {} tasks/s, {} left", kClearLine, counts.done,
                         counts.known, counts.failed, counts.executing, format_rate(rate), left_text));
  progress_shown_ = true;
  progress_over_out_ = true;
}

void Console::show_outstanding(const Outstanding& outstanding, const char* verb) {
  for (std::size_t i = 0; i < outstanding.size() && i < kOutstandingShown; ++i) {
    const TimeoutError::Outstanding& one = outstanding[i];
    say(fmt::format("  task {} {} running on rank {} ({}) for {}", one.task, verb, one.rank, one.host,
                    format_duration(std::chrono::duration_cast<Duration>(one.running))));
  }
  if (outstanding.size() > kOutstandingShown) {
    say(fmt::format("  and {} more", outstanding.size() - kOutstandingShown));
  }
}

void Console::on_signal(int number, Duration grace, const Dispatcher::Counts& counts,
                        const Outstanding& outstanding) {
  stopped_early_ = true;
  constexpr Duration kLeftByMpirun = std::chrono::seconds(2);
  const bool less = options_.by_mpirun && number == SIGTERM && grace > kLeftByMpirun;
  say(fmt::format(
      "SIG{} ends the run: nothing more is started, what runs has {} (--grace{}), a second signal ends "
      "it at once",
      sigabbrev_np(number), format_duration(grace), less ? "; 2 s where mpirun was told to end" : ""));
  show_outstanding(outstanding, "is");
  say(counts_text(counts));
  show_way_on(counts);
}

void Console::on_limit(const Expiry& expiry, const Outstanding& outstanding) {
  limit_reached_ = true;
  stopped_early_ = true;
  say(expiry.what);
  show_outstanding(outstanding, "was");
}

std::string Console::counts_text(const Dispatcher::Counts& counts) const {
  std::string line = fmt::format("{}: {}", plural(counts.known, "task"), ended_.text());
  if (counts.done < counts.known) {
    if (counts.executing > 0) line += fmt::format(", {} running", counts.executing);
    const std::uint64_t left = counts.known - counts.done - counts.executing;
    if (left > 0) line += fmt::format(", {} not started", left);
  }
  if (counts.settled > 0) line += fmt::format(" ({} of them by an earlier run)", counts.settled);
  return line;
}

// Told where something is left to do.
void Console::show_way_on(const Dispatcher::Counts& counts) {
  const bool left = ended_.settled() < counts.known;
  if (!left || record_.empty()) return;
  say(fmt::format("go on with: {}{}", options_.by_mpirun ? "mpirun ... " : "", options_.resume_command));
}

void Console::on_run_again(const std::string& refusal) {
  say(refusal.empty() ? "the job is requeued, and goes on with what is left"
                      : "the job is not requeued: " + refusal);
}

void Console::on_end(const Dispatcher::Counts& counts, TimePoint now) {
  if (options_.quiet && !stopped_early_) return;
  const Duration elapsed = now - start_;
  const auto ended = static_cast<double>(ended_.settled() - counts.settled);  // by themselves, in this run
  say(fmt::format("{}; {}, {} tasks/s", counts_text(counts), format_duration(elapsed),
                  format_rate(ended / to_seconds(elapsed))));
  show_way_on(counts);
}

}  // namespace parrun
