#pragma once
#include "cluster/slurm_job.hpp"
#include "doctor/examined.hpp"

namespace parrun::doctor {

/// What SLURM says of the job around us. May take as long as its controller does, at most 20 s. `squeue` and
/// `scontrol`: the programs.
JobSeen look_at_job(const cluster::SlurmJob& job, const std::string& squeue = "squeue",
                    const std::string& scontrol = "scontrol");

}  // namespace parrun::doctor
