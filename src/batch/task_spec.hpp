#pragma once
// What one task is: the payload of a record in jobs.bin, and of the messages that give tasks to workers.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/resource_limits.hpp"

namespace parrun {

/// A command line for /bin/sh -c.
struct ShellCommand {
  std::string line;
  bool operator==(const ShellCommand&) const = default;
};

/// A program and its arguments, looked up in PATH, no shell.
struct ArgvCommand {
  std::vector<std::string> argv;  ///< REQUIRES: at least one
  bool operator==(const ArgvCommand&) const = default;
};

/// A call of a registered function.
struct Call {
  std::string function;
  Bytes arguments;  ///< a Boost.Serialization archive
  bool operator==(const Call&) const = default;
};

struct TaskSpec {
  std::variant<ShellCommand, ArgvCommand, Call> work;
  std::string label;                ///< empty: none
  std::optional<Duration> timeout;  ///< none: the run's
  std::optional<int> retries;       ///< none: the run's
  ResourceLimits resources;         ///< none: the run's
  std::optional<double> cost;       ///< what it is expected to take, beside the others [s, or any other unit]
  std::vector<std::pair<std::string, std::string>> env;
  std::string cwd;  ///< empty: the worker's
  std::string stdin_text;

  bool is_command() const { return !std::holds_alternative<Call>(work); }
  bool operator==(const TaskSpec&) const = default;
};

Bytes encode(const TaskSpec& spec);

/// Throws FormatError where `payload` is no task.
TaskSpec decode_task(BytesView payload);

/// What those must know of a task who do not execute it; costs the same for any size of payload. Views are of
/// the payload.
struct TaskHead {
  TaskHead() {}  // NOLINT(modernize-use-equals-default): a default that is a constant clears all bytes, by
                 // far the most of what it takes to make one
  bool is_command = false;
  std::optional<Duration> timeout;
  std::optional<int> retries;
  ResourceLimits resources;
  std::optional<double> cost;
  BytesView label;
};
TaskHead decode_task_head(BytesView payload);

/// A call as it lies in a payload.
struct CallView {
  CallView() {}  // NOLINT(modernize-use-equals-default): see TaskHead
  TaskHead head;
  BytesView function;
  BytesView arguments;
  std::vector<std::pair<BytesView, BytesView>> env;
  BytesView cwd;
};
/// None for a command. Checks all that decode_task() does, and copies nothing.
std::optional<CallView> view_call(BytesView payload);

/// Appends encode() of a call of which there is no more to say.
void append_call(const TaskHead& head, BytesView function, BytesView arguments, ByteWriter& out);

}  // namespace parrun
