#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/duration.hpp"
#include "base/launcher.hpp"
#include "base/size.hpp"
#include "cli/commands.hpp"
#include "cli/option_value.hpp"
#include "cli/run_arguments.hpp"
#include "cli/task_text.hpp"
#include "core/halt.hpp"
#include "report/console.hpp"

namespace parrun {

std::optional<Duration> optional_duration(const char* option, const std::string& text) {
  if (text.empty()) return std::nullopt;
  return option_value(option, text, parse_duration);
}

namespace {

constexpr const char* kFooter = R"(Durations: a number of seconds, or 500ms 3s 2m 1h30m 1:30:00.
Sizes: a number of bytes, or 512K 512M 1.5G, in powers of 1024.
Exit codes: 0 every task succeeded; 1 some task did not; 2 usage or unusable input, nothing was run; 3 internal or
MPI error; 124 a limit ended the run; 128 + N signal N did. --halt: 1 if a task failed before, 0 for success=N.
Under mpirun or srun rank 0 dispatches and the other ranks execute; alone, one rank does both.

The record: jobs.record beside jobs.bin, an SQLite file; see parrun status and parrun results. On file systems without
locks or shared memory it is held exclusively: others can read it when the run has ended.
--format jsonl: task label state attempt rank host started elapsed_s user_s system_s max_rss_kb exit_code signal error
stdout stderr value, and where there is something to say warning and earlier, the attempts before the last.
A task's variables: PARRUN_TASK_INDEX, PARRUN_ATTEMPT, PARRUN_RANK and PARRUN_RANKS, in place of MPI's own, so that a
command which is itself an MPI program starts as its own job; with --workdir PARRUN_WORKDIR.

Signals (INT TERM HUP USR1 USR2, at any rank): nothing more is started, and what runs has --grace to end. A second one,
later than a second, ends the run at once, and so does the first before any task is started. Tasks that the signal
reaches too, as under srun, are cancelled, and run again by --resume. Under mpirun a TERM leaves the ranks no more than
2 s, and mpirun itself may end with 1 or 205: '#SBATCH --signal=B:USR1@60' with 'exec mpirun ...' gives them the minute.
SLURM: the end of the job, less --margin, is a deadline. A task is started if the 95th percentile of those done with
its label fits before it. An extension of the job is noticed within 30 s, near its end within 5 s.
mpirun: after MPI_Abort it may take a second to end (--mca odls_base_sigkill_timeout 0 saves it). One with output that
nobody reads, or that waits for a host that is cut off, is killed 8 s later, exit code 137; what runs on such a host
ends itself after three times --lost-after.)";

std::optional<std::uint64_t> optional_size(const char* option, const std::string& text) {
  if (text.empty()) return std::nullopt;
  return option_value(option, text, parse_size);
}

void read_limits(RunArguments& arguments) {
  Limits& limits = arguments.run.limits;
  limits.timeout = optional_duration("--timeout", arguments.timeout);
  if (arguments.deadline != kNone) limits.deadline = optional_duration("--deadline", arguments.deadline);
  limits.stall = optional_duration("--stall", arguments.stall);
  limits.lost_after = optional_duration("--lost-after", arguments.lost_after).value_or(limits.lost_after);
  if (limits.lost_after < LimitWatch::kShortestLostAfter) {
    throw InputError("--lost-after: a rank tells every second that it is alive; give at least 2 s");
  }
  arguments.run.resources = {.memory_bytes = optional_size("--memory-limit", arguments.memory_limit),
                             .cpu = optional_duration("--cpu-limit", arguments.cpu_limit),
                             .output_bytes = optional_size("--output-limit", arguments.output_limit)};
  arguments.run.retry.delay =
      optional_duration("--retry-delay", arguments.retry_delay).value_or(Duration::zero());
  arguments.run.halt = option_value("--halt", arguments.halt, parse_halt);
  arguments.run.grace = optional_duration("--grace", arguments.grace).value_or(arguments.run.grace);
}

void refuse_contradictions(const RunOptions& run) {
  if (run.batch_file.empty()) {
    throw InputError(
        "no batch file is named; give one (parrun jobs.bin), make one with parrun pack, or see --help");
  }
  if (run.executors.keep_failed && run.executors.workdir.empty()) {
    throw InputError("--keep-failed keeps the folders that --workdir makes; give --workdir too");
  }
  if (!run.threads) return;
  if (run.kill_overrunning) {
    throw InputError("--on-timeout kill needs processes that can be killed; leave out --isolation none");
  }
  if (run.resources != ResourceLimits{} || !run.executors.workdir.empty()) {
    throw InputError(
        "limits of memory, CPU time and output, and --workdir, need processes; leave out --isolation none");
  }
}

int run(RunArguments& arguments, TimePoint start) {
  read_limits(arguments);
  refuse_contradictions(arguments.run);
  heed_slurm(arguments);
  read_record_options(arguments);
  arguments.console.by_mpirun = started_by_mpirun();
  arguments.console.progress = !arguments.console.quiet && isatty(STDERR_FILENO) == 1;
  arguments.console.beside_progress = isatty(STDOUT_FILENO) == 1;
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
  app.add_option(
         "--deadline", a.deadline,
         "Limit of the whole run, from its start; none: nor the end of the SLURM job, which is one otherwise")
      ->type_name("TIME");
  app.add_option(
         "--margin", a.margin,
         "How long before the end of its SLURM job the run ends; 1m where not given, less in a job shorter "
         "than 10m; what cannot be expected to end before is not started")
      ->type_name("TIME");
  app.add_option("--stall", a.stall, "Limit without any task ending, or any reading of what they wrote")
      ->type_name("TIME");
  app.add_option("--lost-after", a.lost_after, "Limit of a rank's silence; 30 s where it is not given")
      ->type_name("TIME");
  add_choice<bool>(app, "--on-timeout", a.run.kill_overrunning, {{"abort", false}, {"kill", true}},
                   "At a task's limit end the run (abort, the default), or that task alone (kill)");
}

// Of what one task may use, and what becomes of it where it fails.
void add_task_options(CLI::App& app, RunArguments& a) {
  app.add_option("--memory-limit", a.memory_limit,
                 "Resident memory of each task with all its processes, as 512M; one above it fails")
      ->type_name("SIZE");
  app.add_option("--cpu-limit", a.cpu_limit, "CPU time of each task with all its processes, likewise")
      ->type_name("TIME");
  app.add_option("--output-limit", a.output_limit,
                 "Kept of each task's stdout and stderr; the rest is cut, and marked; 1G where not given")
      ->type_name("SIZE");
  app.add_option("--retries", a.run.retry.attempts,
                 "Further attempts for a task that does not succeed, on another rank where there is one")
      ->check(CLI::Range(0, 1000))
      ->option_text("N");
  app.add_option("--retry-delay", a.retry_delay, "Before the next attempt of a task that has failed")
      ->type_name("TIME");
  app.add_option(
         "--workdir", a.run.executors.workdir,
         "Each attempt starts in a folder of its own in DIR, which is removed behind it; its name is in "
         "PARRUN_WORKDIR")
      ->type_name("DIR");
  app.add_flag("--keep-failed", a.run.executors.keep_failed,
               "With --workdir: a failed attempt's folder stays");
  app.add_flag("--keep-children", a.run.executors.keep_children,
               "Processes that a task leaves behind live on, beyond a run that ends well too");
}

void add_record_options(CLI::App& app, RunArguments& a) {
  app.add_flag("--requeue", a.requeue,
               "When its SLURM job ends before the batch does, have the job requeued; it resumes by itself");
  app.add_option("--record", a.record,
                 "Where the run is recorded, an SQLite file; beside the batch where not given: jobs.record")
      ->type_name("FILE");
  app.add_flag("--no-record", a.no_record, "Record nothing: what an interrupted run has done is lost");
  app.add_flag(
      "--resume", a.resume,
      "Go on with the record that is there, with all tasks that have no outcome in it, or were lost or "
      "cancelled; where there is none begin one");
  app.add_flag("--resume-failed", a.resume_failed, "The same, and failed and timed-out tasks again too");
  app.add_flag("--overwrite", a.overwrite, "Replace the record that is there");
  app.add_flag("--replay", a.run.replay,
               "With --resume: print the results of earlier runs too, as --order submission always does");
  app.add_option(
         "--joblog", a.console.joblog,
         "A line for each task in the format of GNU parallel's --joblog; of a shard with K-of-N in its "
         "name, as the record")
      ->type_name("FILE");
}

}  // namespace

void add_run(CLI::App& app, Action& chosen, const std::vector<std::string>& words) {
  const TimePoint start = Clock::now();
  const auto a = std::make_shared<RunArguments>();
  a->words = words;
  a->console.work_text = logged_work;
  app.footer(kFooter);
  app.add_option("batch", a->run.batch_file, "The batch to run, made by parrun pack")->type_name("FILE");
  app.add_option(
         "--shard", a->shard,
         "Run every N-th task only, from the K-th on, with a record of its own (jobs.K-of-N.record); in a "
         "SLURM job array each job runs its part where this is not given; to run one of them again, give its "
         "K/N")
      ->type_name("K/N");
  app.add_option("--load", a->run.modules, "Module of task functions; may be given several times")
      ->type_name("MODULE")
      ->allow_extra_args(false);
  add_limits(app, *a);
  add_task_options(app, *a);
  add_record_options(app, *a);
  app.add_option(
         "--grace", a->grace,
         "For what runs, when a signal ends the run (INT TERM HUP USR1 USR2); 10 s where not given; a second "
         "signal ends it at once")
      ->type_name("TIME");
  app.add_option(
         "--halt", a->halt,
         "End early, as GNU parallel does: WHEN,WHY=N or N%, WHEN soon (start no more) or now (end what "
         "runs), WHY fail, success or done")
      ->type_name("WHEN,WHY=N");
  add_choice<bool>(app, "--isolation", a->run.threads, {{"process", false}, {"none", true}},
                   "Functions run in a process of their own (process, the default), or in the rank's (none)");
  add_choice<Format>(
      app, "--format", a->console.format, {{"raw", Format::raw}, {"jsonl", Format::jsonl}},
      "The tasks' own output (raw, the default), or an object in a line for each outcome (jsonl)");
  add_choice<bool>(
      app, "--order-by", a->run.longest_first, {{"submission", false}, {"longest-first", true}},
      "Tasks start as in the batch (submission, the default), or those of the greatest cost first "
      "(longest-first): a cost stands in the batch, or comes from a record (pack --costs-from); with --order "
      "submission only where there is a record");
  add_choice<Order>(app, "--order", a->run.order,
                    {{"completion", Order::completion}, {"submission", Order::submission}},
                    "Results as the tasks finish (completion, the default), or as in the batch (submission)");
  app.add_flag(
      "-q,--quiet", a->console.quiet,
      "No progress and no failures on stderr, and a summary only where a limit or a signal ended the run");
  chosen = [a, start] { return run(*a, start); };
}

}  // namespace parrun
