#pragma once
// The fields of an attempt as JSON, under the names of the run record and of --format jsonl.

#include <nlohmann/json.hpp>

#include "parrun/outcome.hpp"

namespace parrun {

/// Sets `state attempt rank host started elapsed_s user_s system_s max_rss_kb exit_code signal error`.
void add_attempt(nlohmann::ordered_json& object, const Outcome& outcome);

/// Of the same task as `last`: its earlier attempts, an array; empty where there are none.
std::string earlier_to_json(const std::vector<Outcome>& earlier);

/// Throws FormatError where `json` is no such array.
std::vector<Outcome> earlier_from_json(TaskId task, std::string_view json);

}  // namespace parrun
