#include "doctor/report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/duration.hpp"
#include "base/shown_text.hpp"
#include "base/size.hpp"
#include "doctor/findings.hpp"
#include "doctor/host_text.hpp"

namespace parrun::doctor {
namespace {

constexpr std::size_t kMostBroken = 10;

const char* name_of(ThreadLevel level) {
  switch (level) {
    case ThreadLevel::single:
      return "SINGLE";
    case ThreadLevel::funneled:
      return "FUNNELED";
    case ThreadLevel::serialized:
      return "SERIALIZED";
    case ThreadLevel::multiple:
      break;
  }
  return "MULTIPLE";
}

std::string head(const Examined& seen, std::size_t hosts) {
  std::set<std::string> mpi;
  for (const auto& [rank, one] : seen.ranks) {
    if (one.facts)
      mpi.insert(fmt::format("{}, thread level {}", one.facts->mpi, name_of(one.facts->thread_level)));
  }
  std::string text =
      fmt::format("{}: {} on {}", seen.program, plural(seen.ranks.size(), "rank"), plural(hosts, "host"));
  text += seen.launcher == Launcher::none ? ", no launcher"
                                          : fmt::format(", started by {}", to_string(seen.launcher));
  if (!mpi.empty()) text += fmt::format("; {}", fmt::join(mpi, "; "));
  return text + "\n\n";
}

// What was tried.

std::string tasks_line(const Examined& seen) {
  std::size_t tried = 0;
  std::size_t ended = 0;
  std::size_t clean = 0;
  double late_s = 0;
  for (const auto& [rank, one] : seen.ranks) {
    if (one.endless.empty()) continue;
    ++tried;
    ended += std::all_of(one.endless.begin(), one.endless.end(), [](const Ending& e) { return e.timed_out; });
    for (const Ending& ending : one.endless) late_s = std::max(late_s, ending.late_s);
    clean += one.survivors && one.survivors->empty();
  }
  if (tried == 0) return line("tasks", "not tried");
  return line(
      "tasks",
      fmt::format(
          "endless ones ({}) were ended on {} of {}, at most {:.0f} ms behind their limit; {}",
          fmt::join(kEndless, ", "), ended, plural(tried, "worker"), std::ceil(late_s * 1000),
          clean == tried ? "nothing of them is left" : fmt::format("nothing of them is left on {}", clean)));
}

std::string abort_line(const std::optional<AbortTrial>& trial) {
  if (!trial) return line("abort", "not tried");
  std::string text = trial->launcher == "parrun"
                         ? "a run alone"
                         : fmt::format("a job over the same hosts ({})", trial->launcher);
  if (trial->ended_by_us) {
    text +=
        fmt::format(" did not end; it was killed after {}", format_duration(from_seconds(trial->elapsed_s)));
  } else {
    text += fmt::format(" ended with code {}", trial->exit_code);
    if (trial->late_s) text += fmt::format(" {:.2f} s behind its limit", *trial->late_s);
    text += fmt::format(", {} after its start", format_duration(from_seconds(trial->elapsed_s)));
  }
  return line("abort", text);
}

// Of each host the measurement with the least uncertainty.
std::string clocks_line(const Examined& seen) {
  std::map<std::string, ClockOffset> best;
  const auto own = seen.ranks.find(Rank(0));
  for (const auto& [rank, one] : seen.ranks) {
    if (!one.clock || (own != seen.ranks.end() && one.host == own->second.host)) continue;
    const auto [at, fresh] = best.emplace(one.host, *one.clock);
    if (!fresh && one.clock->uncertainty_s < at->second.uncertainty_s) at->second = *one.clock;
  }
  if (best.empty()) return "";
  const auto furthest = std::max_element(best.begin(), best.end(), [](const auto& a, const auto& b) {
    return std::abs(a.second.ahead_s) < std::abs(b.second.ahead_s);
  });
  return line("clocks",
              fmt::format("{}'s is {:.1f} ms {} rank 0's, give or take {:.1f} ms{}", furthest->first,
                          std::abs(furthest->second.ahead_s) * 1000,
                          furthest->second.ahead_s < 0 ? "behind" : "ahead of",
                          furthest->second.uncertainty_s * 1000, best.size() > 1 ? "; the others less" : ""));
}

std::string record_line(const std::optional<RecordPlace>& place, bool waited) {
  if (!place) return line("record", waited ? "no answer from its file system" : "not waited for");
  std::string text = place->path;
  if (place->file_system) {
    text += fmt::format(" on {} ({})", place->file_system->name,
                        place->file_system->shared ? "other hosts may have it too" : "of this host alone");
  }
  if (!place->problem.empty()) return line("record", text + "; it cannot be there");
  text +=
      fmt::format("; locks {}; {} while it is written; {} free", place->locks ? "work" : "do not work",
                  place->shared_memory ? "can be read" : "cannot be read", format_size(place->free_bytes));
  return line("record", text);
}

std::string job_line(const JobSeen& job) {
  std::string end = "whose end is not known";
  if (job.left_s) {
    end = fmt::format("ends in {}", format_duration(from_seconds(std::max(*job.left_s, 0.0))));
  } else if (job.squeue_answers) {
    end = "has no end";
  }
  return line("job", fmt::format("SLURM job {} {}; squeue {}; scontrol {}", job.id, end,
                                 job.squeue_answers ? "answers" : "does not answer",
                                 job.scontrol ? "is there" : "is not there"));
}

std::string verdict(const std::vector<std::string>& broken, bool undecided) {
  if (broken.empty()) return "A timeout works here.\n";
  std::vector<std::string> shown(
      broken.begin(), broken.begin() + static_cast<std::ptrdiff_t>(std::min(broken.size(), kMostBroken)));
  if (broken.size() > kMostBroken) shown.push_back(fmt::format("and {} more", broken.size() - kMostBroken));
  const char* const found =
      undecided ? "Whether a timeout works here was not found out" : "A timeout does NOT work here";
  return fmt::format("{}: {}\n", found, fmt::join(shown, "; "));
}

}  // namespace

std::string report(const Examined& seen) {
  const auto by_host = hosts(seen);
  std::string text = head(seen, by_host.size()) + host_lines(by_host);
  text += tasks_line(seen) + abort_line(seen.abort) + clocks_line(seen) +
          record_line(seen.record, seen.ended.empty());
  if (seen.job) text += job_line(*seen.job);
  text += "\n";
  if (const auto found = advice(seen); !found.empty()) {
    text += "Advice:\n";
    for (const std::string& one : found) text += "- " + one + "\n";
    text += "\n";
  }
  return text + verdict(broken(seen), seen.undecided);
}

}  // namespace parrun::doctor
