#pragma once
#include <string>

#include "batch/task_json.hpp"

namespace parrun {

/// A task's label as one word of a table: `-` where it has none, cut where it is long.
std::string shown_label(const TaskSpec& spec);

/// A task's work and settings for people, in one line whatever they hold: `sort -n  [timeout 3.0 s]`.
std::string shown_work(const TaskSpec& spec, const ArgumentsToJson& convert);

}  // namespace parrun
