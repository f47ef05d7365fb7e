#pragma once
// Batches from text. `name` stands for the input in errors, which read "NAME:LINE: what is wrong; what to do"
// (InputError).

#include <functional>
#include <istream>
#include <optional>
#include <string>

#include "batch/batch_file.hpp"
#include "batch/batch_writer.hpp"
#include "batch/task_json.hpp"

namespace parrun {

/// What a task may be expected to take [s], by its label and its number; none: not known. A cost that stands
/// in the input goes before.
using CostOf = std::function<std::optional<double>(const std::string& label, TaskId task)>;

/// A command a line, for /bin/sh -c, as it stands. Only blank lines are skipped (a line that begins with # is
/// a task that does nothing, as in a shell), and a carriage return at the end of a line is dropped. A line
/// that begins as a JSON object is refused.
void pack_commands(std::istream& in, const std::string& name, BatchFileWriter& out,
                   const CostOf& cost_of = {});

/// A JSON object a line (batch/task_json.hpp). Blank lines are skipped.
void pack_jsonl(std::istream& in, const std::string& name, const ArgumentsFromJson& convert,
                BatchFileWriter& out, const CostOf& cost_of = {});

/// All tasks of `from`, with their costs.
void pack_all(const BatchFile& from, BatchFileWriter& out, const CostOf& cost_of);

/// The tasks of `from` whose indices stand in `indices`, one a line, in that order and each once. Blank lines
/// are skipped, and no index is no task: a script's "nothing failed". `from_name` stands for `from` in
/// errors. Costs are of the tasks' numbers in `from`.
void pack_selection(std::istream& indices, const std::string& name, const BatchFile& from,
                    const std::string& from_name, BatchFileWriter& out, const CostOf& cost_of = {});

}  // namespace parrun
