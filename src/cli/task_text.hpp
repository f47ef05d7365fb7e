#pragma once
#include <string>

#include "base/shown_text.hpp"
#include "batch/task_json.hpp"

namespace parrun {

inline constexpr std::size_t kLabelShown = 40;  ///< characters of a label in a table or list

/// A task's label as one word of a table: `-` where it has none, cut where it is long.
std::string shown_label(const TaskSpec& spec);

/// A word as one could type it into a shell.
std::string quoted(const std::string& word);

/// Of a call whose function is registered here. Throws InputError where they do not fit it.
std::optional<std::string> arguments_to_json(const Call& call);

/// A task's work alone, as it stands: a command's line, or a call.
std::string work_text(const TaskSpec& spec, const ArgumentsToJson& convert);

/// The same of a task that has run: it is never refused, for a call that does not fit is a failure of its
/// own.
std::string logged_work(const TaskSpec& spec);

/// A task's work and settings for people, in one line whatever they hold: `sort -n  [timeout 3.0 s]`.
std::string shown_work(const TaskSpec& spec, const ArgumentsToJson& convert);

}  // namespace parrun
