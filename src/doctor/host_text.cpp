#include "doctor/host_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <vector>

#include "base/shown_text.hpp"
#include "base/size.hpp"

namespace parrun::doctor {
namespace {

constexpr std::size_t kMostShown = 60;  ///< of a list of cores

std::string binding(const HostSeen& host) {
  const std::set<Numbers> kinds(host.bound.begin(), host.bound.end());
  const bool all_alike = kinds.size() == 1;
  const bool is_free = all_alike && static_cast<int>(kinds.begin()->size()) == host.facts->host_cores;
  if (is_free) return "not bound";
  if (all_alike) return fmt::format("bound to {}", ranges(*kinds.begin()));
  const bool own = kinds.size() == host.bound.size();
  if (own && std::all_of(kinds.begin(), kinds.end(), [](const Numbers& cores) { return cores.size() == 1; }))
    return fmt::format("each bound to one of {}", ranges(host.cores));
  std::vector<std::string> texts;
  for (const Numbers& cores : host.bound) texts.push_back(ranges(cores));
  return fmt::format("bound to {}", shortened(fmt::format("{}", fmt::join(texts, " | ")), kMostShown));
}

std::string describe(const HostSeen& host) {
  if (host.facts == nullptr) return "no answer";
  const RankFacts& facts = *host.facts;
  std::string text =
      fmt::format("{}, {}", plural(static_cast<std::uint64_t>(facts.host_cores), "core"), binding(host));
  const std::uint64_t memory = facts.limits.memory_bytes;
  text += "; " + format_size(facts.host_memory_bytes);
  if (memory > 0 && memory < facts.host_memory_bytes)
    text += fmt::format(", of which {} may be used", format_size(memory));
  if (facts.limits.processes > 0) text += fmt::format("; at most {} processes", facts.limits.processes);
  return text;
}

}  // namespace

std::string line(const std::string& subject, const std::string& text) {
  return fmt::format("{:<9} {}\n", subject, text);
}

std::string host_lines(const std::map<std::string, HostSeen>& hosts) {
  struct Alike {
    std::vector<std::string> names;
    Numbers ranks;
  };
  std::map<std::string, Alike> groups;
  for (const auto& [name, host] : hosts) {
    Alike& alike = groups[describe(host)];
    alike.names.push_back(name);
    alike.ranks.insert(alike.ranks.end(), host.ranks.begin(), host.ranks.end());
  }
  std::map<int, std::string> lines;  // by first rank
  for (auto& [text, alike] : groups) {
    std::sort(alike.ranks.begin(), alike.ranks.end());
    const std::string each = alike.names.size() > 1 ? fmt::format("{} hosts, each ", alike.names.size()) : "";
    lines[alike.ranks.front()] =
        line(host_names(alike.names), fmt::format("{}: {}{}", rank_names(alike.ranks), each, text));
  }
  std::string text;
  for (const auto& [rank, shown] : lines) text += shown;
  return text;
}

}  // namespace parrun::doctor
