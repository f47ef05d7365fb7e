#pragma once
// How far a run is, for people. Pure: what was seen and the time are arguments.

#include <string>
#include <vector>

#include "record/reader.hpp"

namespace parrun {

/// What can be seen from here of the process that is or was the run's rank 0.
enum class Seen {
  alive,
  gone,
  elsewhere  ///< on another host: nothing
};

/// Lines. `now_s` [s since 1970]. REQUIRES: `summary` was read after the process was seen to be gone.
std::string status_text(const std::string& file, const record::Summary& summary, Seen seen, double now_s);

/// Of several records, in a line: what became of their tasks.
std::string total_text(const std::vector<record::Summary>& summaries);

}  // namespace parrun
