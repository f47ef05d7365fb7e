#pragma once
// Rank 0's part of the run of a batch.

#include <string>

#include "run/batch_run.hpp"
#include "run/opening.hpp"
#include "run/session.hpp"

namespace parrun {

/// Gathers the ranks, has the batch executed, and tells what comes of it. Returns the exit code; a limit ends
/// the whole job. `problem`: why this rank cannot work, or nothing. Throws InputError where nothing was run.
int dispatch_batch(Session& session, const RunOptions& options, RunListener& listener,
                   OpeningBatch opening_batch, const std::string& problem);

/// What is finished gets out if somebody reads it; one who does not is not waited for.
void flush_briefly(const RunListener& listener);

}  // namespace parrun
