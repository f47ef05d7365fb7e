#include "cli/status_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/duration.hpp"
#include "base/shown_text.hpp"
#include "cli/task_text.hpp"

namespace parrun {
namespace {

using record::Run;
using record::Summary;

constexpr double kSilent_s = 60;  // a run updates its record every 10 s at least
constexpr std::size_t kLongestError = 100;

enum class Life { running, silent, died, ended };

Life life_of(const Run& run, Seen seen, double now_s) {
  if (run.ended_s) return Life::ended;
  if (seen == Seen::gone) return Life::died;
  return seen == Seen::elsewhere && now_s - run.updated_s > kSilent_s ? Life::silent : Life::running;
}

// Clocks of two hosts may differ, and rates may be tiny.
std::string span(double seconds) {
  constexpr double kLongest_s = 1e9;
  return format_duration(from_seconds(std::clamp(seconds, 0.0, kLongest_s)));
}

std::string date(double seconds) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm local{};
  localtime_r(&time, &local);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", local);
}

std::string life_text(const Run& run, Life life, Seen seen, double now_s) {
  switch (life) {
    case Life::running:
      return fmt::format(
          "running for {}{}", span(now_s - run.started_s),
          seen == Seen::elsewhere ? fmt::format(", updated {} ago", span(now_s - run.updated_s)) : "");
    case Life::silent:
      return fmt::format("not updated for {}: see on {} whether it runs; if not, --resume goes on",
                         span(now_s - run.updated_s), escaped(run.host));
    case Life::died:
      return fmt::format(
          "did not end: its process is gone, its last sign of life was at {}; --resume goes on",
          date(run.updated_s));
    case Life::ended:
      break;
  }
  return fmt::format("ended at {} after {}{}", date(*run.ended_s), span(*run.ended_s - run.started_s),
                     run.exit_code ? fmt::format(" with exit code {}", *run.exit_code) : "");
}

std::uint64_t without_outcome(const Summary& summary) {
  const std::uint64_t tasks = summary.last_run.own_tasks();
  return tasks - std::min(tasks, summary.by_state.total());
}

// Of a run that is no more, nobody knows what it had started.
std::string counts_text(const Summary& summary, Life life) {
  std::string text =
      fmt::format("{}: {}", plural(summary.last_run.own_tasks(), "task"), summary.by_state.text());
  const auto add = [&](std::uint64_t count, const char* what) {
    if (count > 0) text += fmt::format(", {} {}", count, what);
  };
  const std::uint64_t rest = without_outcome(summary);
  if (life != Life::running) {
    add(rest, "without an outcome");
    return text;
  }
  const std::uint64_t executing = std::min(rest, summary.last_run.executing);
  add(executing, "running");
  add(rest - executing, "not started");
  return text;
}

std::string rate_text(const Summary& summary, double now_s) {
  if (summary.ended_in_last_run == 0) return "no task of this run has ended yet";
  const double elapsed_s = std::max(now_s - summary.last_run.started_s, 1e-3);
  const double rate = static_cast<double>(summary.ended_in_last_run) / elapsed_s;
  const double left_s = static_cast<double>(without_outcome(summary)) / rate;
  return fmt::format("{} tasks/s, {} left", format_rate(rate), span(left_s));
}

std::string slowest_text(const Summary& summary) {
  std::string text;
  for (const Summary::SlowTask& slow : summary.slowest) {
    const std::string label =
        slow.label.empty() ? "" : fmt::format(" ({})", shortened(escaped(slow.label), kLabelShown));
    text += fmt::format("{:>14}  task {}{}\n", span(slow.elapsed_s), slow.task.get(), label);
  }
  return text.empty() ? "" : "slowest:\n" + text;
}

std::string failures_text(const Summary& summary) {
  std::string text;
  std::uint64_t rest = summary.by_state.total() - summary.by_state[State::succeeded];
  for (const Summary::FailureKind& kind : summary.failures) {
    const std::string error = kind.error.empty() ? "" : ": " + shortened(escaped(kind.error), kLongestError);
    text += fmt::format("{:>14}  {}{} (task {}{})\n", kind.count, to_string(kind.state), error,
                        kind.first.get(), kind.count > 1 ? ", ..." : "");
    rest -= kind.count;
  }
  if (rest > 0) text += fmt::format("{:>14}  of other kinds\n", rest);
  return text.empty() ? "" : "failures:\n" + text;
}

}  // namespace

std::string status_text(const std::string& file, const Summary& summary, Seen seen, double now_s) {
  const Run& run = summary.last_run;
  const Life life = life_of(run, seen, now_s);
  std::string text =
      fmt::format("{}: run {} of {}{}, {} on {}, pid {}\n", file, run.run, escaped(run.batch),
                  run.shard.whole() ? "" : fmt::format(" (shard {})", to_string(run.shard)),
                  plural(static_cast<std::uint64_t>(run.ranks), "rank"), escaped(run.host), run.pid);
  text += life_text(run, life, seen, now_s) + '\n' + counts_text(summary, life) + '\n';
  if (life == Life::running) text += rate_text(summary, now_s) + '\n';
  return text + slowest_text(summary) + failures_text(summary);
}

std::string total_text(const std::vector<Summary>& summaries) {
  std::uint64_t tasks = 0;
  std::uint64_t rest = 0;
  StateCounts by_state;
  for (const Summary& summary : summaries) {
    tasks += summary.last_run.own_tasks();
    rest += without_outcome(summary);
    for (const State state : kStates) by_state.add(state, summary.by_state[state]);
  }
  return fmt::format("in all: {}: {}{}\n", plural(tasks, "task"), by_state.text(),
                     rest > 0 ? fmt::format(", {} without an outcome", rest) : "");
}

}  // namespace parrun
