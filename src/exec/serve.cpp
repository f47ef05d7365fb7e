#include "exec/serve.hpp"

#include <cxxabi.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <iostream>
#include <typeinfo>

#include "batch/task_spec.hpp"
#include "core/outcome.hpp"
#include "exec/command.hpp"
#include "exec/process_tree.hpp"
#include "exec/registry.hpp"

namespace parrun {
namespace {

struct TaskFrame {
  Outcome outcome;  ///< its task and attempt are filled in
  bool json;
  BytesView payload;
};

// A frame is read whole into `buffer`, which it lives in.
ByteReader read_frame(Ring& ring, Bytes& buffer) {
  std::uint64_t size = 0;
  ring.read(reinterpret_cast<char*>(&size), sizeof size);
  buffer.resize(size);
  ring.read(buffer.data(), buffer.size());
  return ByteReader(buffer);
}

void set_exception(std::string type, std::string message, Outcome& outcome) {
  outcome.state = State::failed;
  outcome.exit_code = 1;
  outcome.error = fmt::format("{}: {}", type, message);
  outcome.error_type = std::move(type);
  outcome.value.clear();
  outcome.value_is_json = false;
}

void call_function(const Call& call, bool json, Outcome& outcome) {
  const Function* function = find_function(call.function);
  if (function == nullptr)
    return set_exception("parrun::InputError", "no task function '" + call.function + "'", outcome);
  try {
    outcome.value = function->call(call.arguments);
    if (!json || function->value_to_json == nullptr) return;
    outcome.value = function->value_to_json(outcome.value);
    outcome.value_is_json = true;
  } catch (const std::exception& error) {
    set_exception(demangled(typeid(error).name()), error.what(), outcome);
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    set_exception(type != nullptr ? demangled(type->name()) : "unknown",
                  "an exception that is no std::exception", outcome);
  }
}

void execute(const TaskFrame& frame, Outcome& outcome) {
  const TaskSpec spec = decode_task(frame.payload);
  if (const auto* call = std::get_if<Call>(&spec.work)) {
    call_function(*call, frame.json, outcome);
  } else {
    run_command(spec, environ, STDOUT_FILENO, STDERR_FILENO, outcome);
  }
}

void collect_output(Capture& capture, Outcome& outcome) {
  std::cout.flush();
  std::fflush(nullptr);
  if (!capture.intact_here()) return;  // the worker, whose descriptors are its own, finds what was written
  auto [out, err] = capture.take();
  outcome.stdout_text = std::move(out);
  outcome.stderr_text = std::move(err);
}

Outcome attempt(const TaskFrame& frame, Capture* capture) {
  constexpr Duration kLeftoversLimit = std::chrono::seconds(5);
  const pid_t executor = getpid();
  Outcome outcome = frame.outcome;
  outcome.started_s = Seconds(std::chrono::system_clock::now().time_since_epoch()).count();
  const TimePoint start = Clock::now();
  try {
    execute(frame, outcome);
  } catch (const std::exception& error) {  // ours, not the task's: no memory, no pipes
    set_exception(demangled(typeid(error).name()), error.what(), outcome);
  }
  if (getpid() != executor) _exit(0);  // the task forked, and its child came back here too
  if (capture != nullptr) end_descendants(kLeftoversLimit, [](pid_t, int) {});
  outcome.elapsed_s = to_seconds(Clock::now() - start);
  if (capture != nullptr) collect_output(*capture, outcome);
  return outcome;
}

}  // namespace

void serve_tasks(Channel& channel, Capture* capture) {
  Bytes buffer;
  std::uint64_t started = 0;
  std::uint64_t resumed = 0;
  for (;;) {
    ByteReader in = read_frame(channel.tasks, buffer);
    switch (in.get<FrameKind>()) {
      case FrameKind::quit:
        return;
      case FrameKind::resume:
        ++resumed;
        break;
      case FrameKind::task: {
        if (!channel.claim(started, resumed, Clock::now())) break;  // it was taken back
        ++started;
        TaskFrame frame{};
        frame.outcome.task = TaskId(in.get<std::uint64_t>());
        frame.outcome.attempt = in.get<std::int32_t>();
        frame.json = in.get<bool>();
        frame.payload = in.get_bytes();
        const Outcome outcome = attempt(frame, capture);
        channel.end_execution();  // a limit does not count the way of a large outcome
        channel.outcomes.write(framed(encode(outcome)));
        if (capture != nullptr && !capture->intact_here()) return;
      }
    }
  }
}

}  // namespace parrun
