#include "doctor/findings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "base/duration.hpp"
#include "base/exit_code.hpp"
#include "base/shown_text.hpp"

namespace parrun::doctor {
namespace {

// A worker ends what overruns within 50 ms where it has a core. On a crowded host it takes longer, and works.
constexpr double kTooLate_s = 3;

/// Ranks by what is said of them.
using Groups = std::map<std::string, Numbers>;

void judge_ending(const Ending& ending, const char* kind, int rank, Groups& groups) {
  if (!ending.timed_out) {
    groups[fmt::format("did not end an endless {} at its limit ({})", kind, ending.reason)].push_back(rank);
  } else if (ending.late_s > kTooLate_s) {
    groups[fmt::format("ended an endless {} more than {} behind its limit", kind,
                       format_duration(from_seconds(kTooLate_s)))]
        .push_back(rank);
  }
}

void judge_ranks(const Examined& seen, std::vector<std::string>& found) {
  Groups groups;
  for (const auto& [rank, one] : seen.ranks) {
    const int number = rank.get();
    if (!one.trouble.empty()) groups[one.trouble].push_back(number);
    for (std::size_t kind = 0; kind < one.endless.size(); ++kind)
      judge_ending(one.endless[kind], kEndless.at(kind), number, groups);
    if (one.survivors && !one.survivors->empty()) {
      groups[fmt::format("left processes of an ended task alive (pid {})", ranges(*one.survivors))].push_back(
          number);
    }
  }
  for (const auto& [what, ranks] : groups) found.push_back(rank_names(ranks) + " " + what);
}

void judge_abort(const AbortTrial& trial, std::vector<std::string>& found) {
  const std::string what = fmt::format("a job that its limit was to end ({})", trial.launcher);
  const std::string said = trial.said.empty() ? "" : ": " + trial.said;
  if (trial.ended_by_us) {
    found.push_back(
        fmt::format("{} still ran after {}{}", what, format_duration(from_seconds(trial.elapsed_s)), said));
  } else if (trial.exit_code != exit_code::kLimitReached) {
    found.push_back(fmt::format("{} ended with code {}, not {}{}", what, trial.exit_code,
                                exit_code::kLimitReached, said));
  }
}

}  // namespace

std::string host_names(const std::vector<std::string>& names) {
  constexpr std::size_t kMostShown = 60;
  return shortened(fmt::format("{}", fmt::join(names, ", ")), kMostShown);
}

std::string rank_names(const Numbers& ranks) {
  return (ranks.size() == 1 ? "rank " : "ranks ") + ranges(ranks);
}

std::map<std::string, HostSeen> hosts(const Examined& seen) {
  std::map<std::string, HostSeen> by_name;
  for (const auto& [rank, one] : seen.ranks) {
    HostSeen& host = by_name[one.host];
    host.ranks.push_back(rank.get());
    if (!one.facts) continue;
    host.facts = &*one.facts;
    host.bound.push_back(one.facts->cores);
    Numbers all;
    std::set_union(host.cores.begin(), host.cores.end(), one.facts->cores.begin(), one.facts->cores.end(),
                   std::back_inserter(all));
    host.cores = std::move(all);
  }
  return by_name;
}

std::vector<std::string> broken(const Examined& seen) {
  std::vector<std::string> found;
  if (!seen.ended.empty()) found.push_back(seen.ended);
  judge_ranks(seen, found);
  if (seen.abort) judge_abort(*seen.abort, found);
  return found;
}

}  // namespace parrun::doctor
