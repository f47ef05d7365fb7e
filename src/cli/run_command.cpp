#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/duration.hpp"
#include "cli/commands.hpp"
#include "report/console.hpp"
#include "run/batch_run.hpp"

namespace parrun {
namespace {

constexpr const char* kFooter = R"(Durations: a number of seconds, or 500ms 3s 2m 1h30m 1:30:00.
Exit codes: 0 every task succeeded; 1 some task did not; 2 usage or unusable input, nothing was run; 3 internal or
MPI error; 124 a limit ended the run.
Under mpirun or srun rank 0 dispatches and the other ranks execute; alone, one rank does both.)";

struct RunArguments {
  RunOptions run;
  Console::Options console;
  std::string timeout, deadline, stall, lost_after;
};

std::optional<Duration> optional_duration(const char* option, const std::string& text) {
  if (text.empty()) return std::nullopt;
  try {
    return parse_duration(text);
  } catch (const InputError& error) {
    throw InputError(std::string(option) + ": " + error.what());
  }
}

int run(RunArguments& arguments, TimePoint start) {
  Limits& limits = arguments.run.limits;
  limits.timeout = optional_duration("--timeout", arguments.timeout);
  limits.deadline = optional_duration("--deadline", arguments.deadline);
  limits.stall = optional_duration("--stall", arguments.stall);
  limits.lost_after = optional_duration("--lost-after", arguments.lost_after).value_or(limits.lost_after);
  if (limits.lost_after < LimitWatch::kShortestLostAfter) {
    throw InputError("--lost-after: a rank tells every second that it is alive; give at least 2 s");
  }
  if (arguments.run.threads && arguments.run.kill_overrunning) {
    throw InputError("--on-timeout kill needs processes that can be killed; leave out --isolation none");
  }
  if (arguments.run.batch_file.empty()) {
    throw InputError(
        "no batch file is named; give one (parrun jobs.bin), make one with parrun pack, or see --help");
  }
  arguments.console.progress = !arguments.console.quiet && isatty(STDERR_FILENO) == 1;
  return run_batch(
      arguments.run, [&] { return std::make_unique<Console>(arguments.console, start); }, start);
}

template <typename Choice>
using Choices = std::vector<std::pair<std::string, Choice>>;

template <typename Choice>
void add_choice(CLI::App& app, const char* name, Choice& choice, const Choices<Choice>& choices,
                const char* help) {
  std::string names;
  for (const auto& [text, value] : choices) names += (names.empty() ? "" : "|") + text;
  const auto choose = [&choice, choices, names, name](const std::string& text) {
    for (const auto& [known, value] : choices) {
      if (text == known) return void(choice = value);
    }
    throw InputError(fmt::format("{}: '{}' is not one of {}", name, text, names));
  };
  app.add_option_function<std::string>(name, choose, help)->option_text(names);
}

void add_limits(CLI::App& app, RunArguments& a) {
  app.add_option("--timeout", a.timeout, "Limit of each task, from the start of its execution")
      ->type_name("TIME");
  app.add_option("--deadline", a.deadline, "Limit of the whole run, from its start")->type_name("TIME");
  app.add_option("--stall", a.stall, "Limit without any task ending, or any reading of what they wrote")
      ->type_name("TIME");
  app.add_option("--lost-after", a.lost_after, "Limit of a rank's silence; 30 s where it is not given")
      ->type_name("TIME");
  add_choice<bool>(app, "--on-timeout", a.run.kill_overrunning, {{"abort", false}, {"kill", true}},
                   "At a task's limit end the run (abort, the default), or that task alone (kill)");
}

}  // namespace

void add_run(CLI::App& app, Action& chosen) {
  const TimePoint start = Clock::now();
  const auto a = std::make_shared<RunArguments>();
  app.footer(kFooter);
  app.add_option("batch", a->run.batch_file, "The batch to run, made by parrun pack")->type_name("FILE");
  app.add_option("--load", a->run.modules, "Module of task functions; may be given several times")
      ->type_name("MODULE")
      ->allow_extra_args(false);
  add_limits(app, *a);
  app.add_option("--retries", a->run.retries, "Further attempts for a task that does not succeed")
      ->check(CLI::Range(0, 1000))
      ->option_text("N");
  add_choice<bool>(app, "--isolation", a->run.threads, {{"process", false}, {"none", true}},
                   "Functions run in a process of their own (process, the default), or in the rank's (none)");
  add_choice<Format>(
      app, "--format", a->console.format, {{"raw", Format::raw}, {"jsonl", Format::jsonl}},
      "The tasks' own output (raw, the default), or an object in a line for each outcome (jsonl)");
  add_choice<Order>(app, "--order", a->console.order,
                    {{"completion", Order::completion}, {"submission", Order::submission}},
                    "Results as the tasks finish (completion, the default), or as in the batch (submission)");
  app.add_flag("-q,--quiet", a->console.quiet, "No progress, no failures, no summary on stderr");
  chosen = [a, start] { return run(*a, start); };
}

}  // namespace parrun
