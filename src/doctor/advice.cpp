#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/duration.hpp"
#include "base/shown_text.hpp"
#include "doctor/findings.hpp"

namespace parrun::doctor {
namespace {

constexpr double kLate_s = 0.2;
constexpr double kLongAbort_s = 5;
constexpr double kClocksApart_s = 2;
constexpr std::uint64_t kLittleRoom_bytes = std::uint64_t{1} << 30;

/// Ranks by what is said of them.
using Groups = std::map<std::string, Numbers>;
using Advice = std::vector<std::string>;

// Limits.

void advise_on_lateness(const Examined& seen, Advice& found) {
  Numbers late;
  for (const auto& [rank, one] : seen.ranks) {
    if (std::any_of(one.endless.begin(), one.endless.end(),
                    [](const Ending& ending) { return ending.late_s > kLate_s; }))
      late.push_back(rank.get());
  }
  if (!late.empty()) {
    found.push_back(fmt::format(
        "{} ended tasks more than {:.0f} ms behind their limit (the cores were busy): leave each rank a core",
        rank_names(late), kLate_s * 1000));
  }
  if (seen.abort && seen.abort->late_s.value_or(0) > kLongAbort_s) {
    found.push_back(fmt::format(
        "an abort takes {} (the launcher waits for its ranks): end runs that much before their job",
        format_duration(from_seconds(*seen.abort->late_s))));
  }
}

// Cores and MPI.

// More ranks that are bound to the same cores than there are cores: which ones, or nothing.
std::string crowded(const HostSeen& host) {
  std::map<Numbers, std::size_t> sharing;
  for (const Numbers& cores : host.bound) ++sharing[cores];
  for (const auto& [cores, ranks] : sharing) {
    const bool bound = host.facts != nullptr && static_cast<int>(cores.size()) < host.facts->host_cores;
    if (bound && !cores.empty() && ranks > cores.size())
      return fmt::format("{} ranks bound to core{} {}", ranks, cores.size() == 1 ? "" : "s", ranges(cores));
  }
  return {};
}

void advise_on_cores(const Examined& seen, Advice& found) {
  std::map<std::string, std::vector<std::string>> problems;  // hosts by what is said of them
  for (const auto& [name, host] : hosts(seen)) {
    if (const std::string what = crowded(host); !what.empty()) {
      problems[fmt::format(
                   "{} (they wait for each other, and for their tasks): mpirun --bind-to none, or srun "
                   "--cpu-bind=none",
                   what)]
          .push_back(name);
    } else if (!seen.yields && !host.cores.empty() && host.ranks.size() > host.cores.size()) {
      problems[fmt::format("{} ranks, {} (waiting ranks take time from working ones): start fewer, or set "
                           "OMPI_MCA_mpi_yield_when_idle=1",
                           host.ranks.size(), plural(host.cores.size(), "core"))]
          .push_back(name);
    }
  }
  for (const auto& [what, names] : problems) found.push_back(fmt::format("{}: {}", host_names(names), what));
}

void advise_on_mpi(const Examined& seen, Advice& found) {
  Groups libraries;
  Numbers single;
  for (const auto& [rank, one] : seen.ranks) {
    if (!one.facts) continue;
    libraries[one.facts->mpi].push_back(rank.get());
    if (one.facts->thread_level < ThreadLevel::funneled) single.push_back(rank.get());
  }
  if (libraries.size() > 1) {
    std::string what;
    for (const auto& [library, ranks] : libraries)
      what += fmt::format("{}{} on {}", what.empty() ? "" : ", ", library, rank_names(ranks));
    found.push_back(fmt::format(
        "ranks have different MPI libraries: {} (they may not understand each other): load the same "
        "modules on all hosts",
        what));
  }
  if (!single.empty()) {
    found.push_back(
        fmt::format("{} has no thread level from FUNNELED up (rank 0's watchdog is a thread): use an MPI "
                    "library with threads",
                    rank_names(single)));
  }
}

void advise_on_hosts(const Examined& seen, Advice& found) {
  std::vector<std::string> apart;
  for (const auto& [rank, one] : seen.ranks) {
    if (one.clock && std::abs(one.clock->ahead_s) - one.clock->uncertainty_s > kClocksApart_s)
      apart.push_back(one.host);
  }
  std::sort(apart.begin(), apart.end());
  apart.erase(std::unique(apart.begin(), apart.end()), apart.end());
  if (!apart.empty()) {
    found.push_back(
        fmt::format("clocks are seconds apart, {}'s from rank 0's (times in the record and joblog do not fit "
                    "together): have them synchronised",
                    host_names(apart)));
  }
  if (seen.abort && seen.launcher != Launcher::none && seen.abort->launcher != to_string(seen.launcher)) {
    found.push_back(
        fmt::format("there is no {0} in PATH (the abort was only tried by a run alone): put it there",
                    to_string(seen.launcher)));
  }
  if (seen.launcher == Launcher::mpirun && hosts(seen).size() > 1 && !seen.mpirun_is_here &&
      !seen.keepalive) {
    found.push_back(
        "mpirun is not on rank 0's host (which would end it where another host is cut off; by itself it "
        "hangs for minutes then): start it there, or set OMPI_MCA_oob_tcp_keepalive_time=5 "
        "OMPI_MCA_oob_tcp_keepalive_intvl=2 OMPI_MCA_oob_tcp_keepalive_probes=3");
  }
}

// The record and the job.

void advise_on_record(const RecordPlace& place, bool elsewhere, Advice& found) {
  const auto advise = [&](const std::string& what) { found.push_back(what); };
  if (!place.problem.empty()) return advise(place.problem);
  if (place.file_system && !place.file_system->shared && elsewhere) {
    advise(
        fmt::format("the record would be on a node-local file system, {} (it is lost with its node, and a "
                    "job that comes again on another does not find it): give --record a place on a shared "
                    "one",
                    place.file_system->name));
  }
  if (!place.locks) {
    advise(
        "locks do not work where the record would be (a second run on it is only noticed by the first one's "
        "signs of life): give --record a place where they do, or take care yourself");
  } else if (!place.shared_memory) {
    advise(
        "no shared memory works where the record would be (parrun status and results must wait for the run's "
        "end): give --record a place where it does to see more");
  }
  if (place.free_bytes < kLittleRoom_bytes)
    advise("less than 1 GB is free where the record would be (a full disk ends the run): make room");
}

void advise_on_job(const JobSeen& job, Advice& found) {
  if (!job.squeue_answers) {
    found.push_back(
        "squeue does not answer (the end of the job is then no limit of the run): give --deadline");
  }
  if (!job.scontrol) {
    found.push_back("there is no scontrol here (--requeue cannot work): have the job resubmitted otherwise");
  }
}

}  // namespace

std::vector<std::string> advice(const Examined& seen) {
  Advice found;
  advise_on_lateness(seen, found);
  advise_on_cores(seen, found);
  advise_on_mpi(seen, found);
  advise_on_hosts(seen, found);
  if (seen.record) advise_on_record(*seen.record, hosts(seen).size() > 1 || seen.job, found);
  if (seen.job) advise_on_job(*seen.job, found);
  return found;
}

}  // namespace parrun::doctor
