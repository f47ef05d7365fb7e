#pragma once
// A task as one JSON object: what `parrun pack --jsonl` reads and `parrun show --format jsonl` writes.
//
//   {"command": "..."} | {"argv": ["...", ...]} | {"call": "name", "args": [...]}
//
// with optional label, timeout and cpu_limit (a number of seconds, or "1h30m"), retries, memory_limit and
// output_limit (a number of bytes, or "512M"), env (an object of strings), cwd, and for commands stdin.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "batch/task_spec.hpp"

namespace parrun {

/// A call's arguments from JSON (an array) into an archive. Throws InputError. Handed in by whoever knows the
/// registered functions; batch does not.
using ArgumentsFromJson = std::function<Bytes(std::string_view function, std::string_view args_json)>;
/// And back; nothing where the function is not known.
using ArgumentsToJson = std::function<std::optional<std::string>(const Call& call)>;

/// Throws InputError: what is wrong with it and what to do; without a place, which the caller knows.
TaskSpec task_from_json(std::string_view text, const ArgumentsFromJson& convert);

/// One line. Arguments that `convert` does not know stand as unknown_arguments(). Bytes that are no UTF-8
/// become U+FFFD: JSON cannot hold them.
std::string task_to_json(const TaskSpec& spec, const ArgumentsToJson& convert);

/// "(24 bytes; --load its module to see them)"
std::string unknown_arguments(const Call& call);

}  // namespace parrun
