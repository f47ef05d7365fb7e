#pragma once
#include <map>
#include <string>

#include "doctor/findings.hpp"

namespace parrun::doctor {

/// A line of the report: what it is about, and what there is to say.
std::string line(const std::string& subject, const std::string& text);

/// A line for each host, with its ranks; hosts of which the same is to be said share one.
std::string host_lines(const std::map<std::string, HostSeen>& hosts);

}  // namespace parrun::doctor
