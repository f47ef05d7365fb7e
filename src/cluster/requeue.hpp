#pragma once
#include <string>

namespace parrun::cluster {

/// Asks SLURM to run the job again from its start, later: it ends this one, and us with it. Returns why it
/// will not, in a line, or nothing; at most 10 s. `scontrol`: the program.
std::string requeue(const std::string& job_id, const std::string& scontrol = "scontrol");

}  // namespace parrun::cluster
