#pragma once
// What follows from what the doctor has seen. Pure.

#include <map>
#include <string>
#include <vector>

#include "doctor/examined.hpp"

namespace parrun::doctor {

/// Why a timeout does not work here; empty where it does.
std::vector<std::string> broken(const Examined& seen);

/// "<problem> (<why it is one>): <what to do>"
std::vector<std::string> advice(const Examined& seen);

/// The ranks of one host, and what is the same for all of them.
struct HostSeen {
  Numbers ranks;
  Numbers cores;                     ///< that at least one of them may use
  std::vector<Numbers> bound;        ///< each rank's, as far as they told
  const RankFacts* facts = nullptr;  ///< of one of them
};
/// "rank 3", "ranks 0-3,8"
std::string rank_names(const Numbers& ranks);

/// "node1, node2"; cut where it is long.
std::string host_names(const std::vector<std::string>& names);

/// By name.
std::map<std::string, HostSeen> hosts(const Examined& seen);

}  // namespace parrun::doctor
