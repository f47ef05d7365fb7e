#pragma once
#include <string>

namespace parrun::cluster {

/// What a shell command writes to stdout. It is to end itself, for a controller that is down does not answer;
/// it gets a SIGTERM when the calling thread ends before it.
std::string output_of(const std::string& command);

/// Digits, and what array jobs have beside them: nothing that a shell could take for more.
bool is_job_id(const std::string& text);

}  // namespace parrun::cluster
