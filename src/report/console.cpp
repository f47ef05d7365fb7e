#include "report/console.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/duration.hpp"

namespace parrun {
namespace {

constexpr std::uint64_t kFailuresShown = 20;
constexpr std::size_t kOutstandingShown = 20;
constexpr Duration kProgressEvery = std::chrono::milliseconds(200);
// In submission order one slow task can hold the results of all others back; from here on nothing new is
// begun.
constexpr std::size_t kHeldBytes = std::size_t{256} << 20;

// What holding it costs, the map's node included.
std::size_t held_size(const Printed& printed) {
  return printed.out.size() + printed.err.size() + 2 * sizeof printed;
}

std::string plural(std::uint64_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace

Console::Console(Options options, TimePoint start)
    : options_(options), start_(start), out_(STDOUT_FILENO), err_(STDERR_FILENO) {}

void Console::say(const std::string& line) {
  const char* const clear = std::exchange(progress_shown_, false) ? "\r\033[K" : "";
  err_.write(fmt::format("{}parrun: {}\n", clear, line));
}

void Console::on_refused(const std::string& why) { say(why); }

void Console::on_outcome(const Outcome& outcome, const TaskHead& task) {
  Printed printed = print(outcome, task, options_.format);
  if (options_.order == Order::completion) {
    deliver(std::move(printed));
  } else {
    held_bytes_ += held_size(printed);
    held_.emplace(outcome.task, std::move(printed));
    for (auto first = held_.begin(); first != held_.end() && first->first == next_; first = held_.begin()) {
      held_bytes_ -= held_size(first->second);
      deliver(std::move(first->second));
      held_.erase(first);
      next_ = TaskId(next_.get() + 1);
    }
  }
  ++ended_[static_cast<std::size_t>(outcome.state)];
  // What a limit ended was listed when it was reached.
  if (!outcome.succeeded() && !limit_reached_) show_failure(describe_failure(outcome, task));
  if (!outcome.warning.empty()) show_warning(outcome, task);
}

void Console::on_retried(const Outcome& outcome, const TaskHead& task) {
  show_failure(fmt::format("{}; attempt {} follows", describe_failure(outcome, task), outcome.attempt + 1));
}

void Console::show_failure(const std::string& line) {
  if (options_.quiet || options_.format == Format::jsonl) return;  // jsonl has it all on stdout
  if (++failures_shown_ <= kFailuresShown) say(line);
  if (failures_shown_ == kFailuresShown)
    say("further failures are counted, not shown; --format jsonl shows all");
}

void Console::show_warning(const Outcome& outcome, const TaskHead& task) {
  if (options_.quiet || options_.format == Format::jsonl) return;
  if (++warnings_shown_ <= kFailuresShown) say(describe_warning(outcome, task));
  if (warnings_shown_ == kFailuresShown) say("further warnings are not shown; --format jsonl shows all");
}

void Console::on_halt(const HaltRule& rule) {
  say(fmt::format("--halt {} ends the run: {}", describe(rule),
                  rule.when == HaltRule::When::now ? "what runs is ended" : "nothing more is started"));
}

void Console::deliver(Printed printed) {
  out_.write(std::move(printed.out));
  err_.write(std::move(printed.err));
}

bool Console::congested() const { return out_.congested() || err_.congested() || held_bytes_ > kHeldBytes; }

void Console::on_turn(const Dispatcher::Counts& counts, TimePoint now) {
  if (!options_.progress || now < last_progress_ + kProgressEvery) return;
  last_progress_ = now;
  show_progress(counts, now);
}

void Console::show_progress(const Dispatcher::Counts& counts, TimePoint now) {
  const double elapsed_s = to_seconds(now - start_);
  const double rate = static_cast<double>(counts.done) / elapsed_s;
  const std::uint64_t left = counts.known - counts.done;
  const double left_s = std::min(static_cast<double>(left) / rate, 1e9);
  const std::string left_text = counts.done == 0 ? "?" : format_duration(from_seconds(left_s));
  err_.write(fmt::format("\r\033[K{}/{} done, {} failed, {} running, {:.0f} tasks/s, {} left", counts.done,
                         counts.known, counts.failed, counts.executing, rate, left_text));
  progress_shown_ = true;
}

void Console::on_limit(const Expiry& expiry, const std::vector<TimeoutError::Outstanding>& outstanding) {
  for (auto& [task, printed] : std::exchange(held_, {})) deliver(std::move(printed));  // finished is not lost
  limit_reached_ = true;
  say(expiry.what);
  for (std::size_t i = 0; i < outstanding.size() && i < kOutstandingShown; ++i) {
    const TimeoutError::Outstanding& one = outstanding[i];
    say(fmt::format("  task {} was running on rank {} ({}) for {}", one.task, one.rank, one.host,
                    format_duration(std::chrono::duration_cast<Duration>(one.running))));
  }
  if (outstanding.size() > kOutstandingShown) {
    say(fmt::format("  and {} more", outstanding.size() - kOutstandingShown));
  }
}

void Console::on_end(const Dispatcher::Counts& counts, TimePoint now) {
  for (auto& [task, printed] : std::exchange(held_, {})) deliver(std::move(printed));  // finished is not lost
  if (options_.quiet && !limit_reached_) return;
  std::string line = fmt::format("{}: {} succeeded", plural(counts.known, "task"), ended(State::succeeded));
  const auto add = [&](std::uint64_t count, const char* what) {
    if (count > 0) line += fmt::format(", {} {}", count, what);
  };
  for (const State state : {State::failed, State::timed_out, State::lost, State::cancelled}) {
    add(ended(state), to_string(state));
  }
  if (counts.done < counts.known) {
    add(counts.executing, "running");
    add(counts.known - counts.done - counts.executing, "not started");
  }
  const Duration elapsed = now - start_;
  say(fmt::format("{}; {}, {:.0f} tasks/s", line, format_duration(elapsed),
                  static_cast<double>(counts.done) / to_seconds(elapsed)));
}

}  // namespace parrun
