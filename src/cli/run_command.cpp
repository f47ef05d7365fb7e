#include <unistd.h>

#include <map>
#include <memory>

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
  std::string timeout, deadline, stall, lost_after, on_timeout = "abort", isolation = "process";
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
  arguments.run.kill_overrunning = arguments.on_timeout == "kill";
  arguments.run.threads = arguments.isolation == "none";
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

}  // namespace

void add_run(CLI::App& app, Action& chosen) {
  const TimePoint start = Clock::now();
  const auto a = std::make_shared<RunArguments>();
  app.footer(kFooter);
  app.add_option("batch", a->run.batch_file, "The batch to run, made by parrun pack")->type_name("FILE");
  app.add_option("--load", a->run.modules, "Module of task functions; may be given several times")
      ->type_name("MODULE")
      ->allow_extra_args(false);
  app.add_option("--timeout", a->timeout, "Limit of each task, from the start of its execution")
      ->type_name("TIME");
  app.add_option("--deadline", a->deadline, "Limit of the whole run, from its start")->type_name("TIME");
  app.add_option("--stall", a->stall, "Limit without any task ending, or any reading of what they wrote")
      ->type_name("TIME");
  app.add_option("--lost-after", a->lost_after, "Limit of a rank's silence (30 s)")->type_name("TIME");
  app.add_option("--on-timeout", a->on_timeout, "At a task's limit: end the run (abort), or the task (kill)")
      ->check(CLI::IsMember({"abort", "kill"}))
      ->capture_default_str();
  app.add_option("--retries", a->run.retries, "Further attempts for a task that does not succeed")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--isolation", a->isolation,
                 "Functions run in a process of their own, or in the rank's (none)")
      ->check(CLI::IsMember({"process", "none"}))
      ->capture_default_str();
  app.add_option("--format", a->console.format, "raw: the tasks' own output; jsonl: one object per outcome")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, Format>{{"raw", Format::raw}, {"jsonl", Format::jsonl}}));
  app.add_option("--order", a->console.order,
                 "Results as they finish (completion), or as in the batch (submission)")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Order>{{"completion", Order::completion},
                                                                       {"submission", Order::submission}}));
  app.add_flag("-q,--quiet", a->console.quiet, "No progress, no failures, no summary on stderr");
  chosen = [a, start] { return run(*a, start); };
}

}  // namespace parrun
