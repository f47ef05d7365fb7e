#include "doctor/abort_trial.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <sstream>
#include <system_error>

#include "base/shown_text.hpp"
#include "batch/batch_writer.hpp"
#include "doctor/rank_tasks.hpp"
#include "parrun/json.hpp"

namespace parrun::doctor {
namespace {

using detail::Json;

constexpr double kLimit_s = 1;

std::string this_program() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

// When an endless task reached its limit [s since 1970], as a line of --format jsonl tells it.
std::optional<double> limit_in(const std::string& line, const std::map<std::string, double>& ahead_s) {
  const Json outcome = Json::parse(line, nullptr, false);
  if (!outcome.is_object() || outcome.value("state", "") != "timed_out") return std::nullopt;
  const auto ahead = ahead_s.find(outcome.value("host", ""));
  return outcome.value("started", 0.0) + kLimit_s - (ahead == ahead_s.end() ? 0 : ahead->second);
}

std::optional<double> first_limit(const std::string& lines, const std::map<std::string, double>& ahead_s) {
  std::optional<double> first;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    if (const auto limit = limit_in(line, ahead_s)) first = std::min(first.value_or(*limit), *limit);
  }
  return first;
}

// Of what a failed start says on stderr parrun's own words tell most, then the last ones.
std::string telling_line(const std::string& text) {
  constexpr std::size_t kMostShown = 200;
  std::string last;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("parrun: ")) return shortened(escaped(line), kMostShown);
    if (line.find_first_not_of(" -\t") != line.npos) last = line;
  }
  return shortened(escaped(last), kMostShown);
}

}  // namespace

Descriptor endless_batch(std::size_t tasks) {
  Descriptor memory(memfd_create("parrun-doctor", MFD_CLOEXEC));
  if (!memory) throw std::system_error(errno, std::generic_category(), "cannot keep a batch in memory");
  BatchFileWriter writer(memory.get(), "the batch of endless tasks");
  for (std::size_t i = 0; i < tasks; ++i) {
    TaskSpec spec = endless_task(i % kEndless.size());
    spec.timeout.reset();  // the job's
    writer.add(spec);
  }
  writer.finish();
  return memory;
}

TaskSpec trial_command(Launcher launcher, const Layout& layout, const std::string& batch, Duration bound) {
  TaskSpec spec;
  // It ends for its limit alone and runs all of its batch, whatever job or job array is around it.
  spec.work = ArgvCommand{launch_line(launcher, layout,
                                      {this_program(), "--timeout", fmt::format("{}", kLimit_s), "--deadline",
                                       "none", "--shard", "1/1", "--format", "jsonl", "--no-record", batch})};
  spec.env = users_settings(environ);
  // Within a SLURM job mpirun starts its daemons by srun, which would wait for what this job's own daemons
  // have.
  spec.env.emplace_back("SLURM_OVERLAP", "1");
  spec.timeout = bound;
  return spec;
}

AbortTrial trial_result(Launcher launcher, const Outcome& command,
                        const std::map<std::string, double>& ahead_s) {
  AbortTrial trial{.launcher = launcher == Launcher::none ? "parrun" : to_string(launcher),
                   .exit_code = command.exit_code,
                   .ended_by_us = command.state == State::timed_out,
                   .elapsed_s = command.elapsed_s};
  if (const auto limit = first_limit(command.stdout_text, ahead_s))
    trial.late_s = command.started_s + command.elapsed_s - *limit;
  trial.said = telling_line(command.stderr_text);
  if (trial.said.empty() && !trial.ended_by_us) trial.said = command.error;
  return trial;
}

}  // namespace parrun::doctor
