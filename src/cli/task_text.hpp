#pragma once
#include <string>
#include <string_view>

#include "batch/task_json.hpp"

namespace parrun {

/// Without control characters, which would break the line, or play with the terminal: `\n`, `\t`, `\x1b`.
std::string escaped(std::string_view text);

/// At most so many characters of it, the last three dots where it is longer. REQUIRES: most >= 3.
std::string shortened(std::string_view text, std::size_t most);

/// A task's label as one word of a table: `-` where it has none, cut where it is long.
std::string shown_label(const TaskSpec& spec);

/// A word as one could type it into a shell.
std::string quoted(const std::string& word);

/// Of a call whose function is registered here. Throws InputError where they do not fit it.
std::optional<std::string> arguments_to_json(const Call& call);

/// A task's work alone, as it stands: a command's line, or a call.
std::string work_text(const TaskSpec& spec, const ArgumentsToJson& convert);

/// A task's work and settings for people, in one line whatever they hold: `sort -n  [timeout 3.0 s]`.
std::string shown_work(const TaskSpec& spec, const ArgumentsToJson& convert);

}  // namespace parrun
