#include "core/outcome.hpp"

namespace parrun {

const char* to_string(State state) {
  switch (state) {
    case State::succeeded:
      return "succeeded";
    case State::failed:
      return "failed";
    case State::timed_out:
      return "timed_out";
    case State::lost:
      return "lost";
    case State::cancelled:
      return "cancelled";
  }
  return "unknown";
}

Bytes encode(const Outcome& outcome) {
  ByteWriter out;
  out.put(outcome.task.get()).put(outcome.attempt).put(outcome.state);
  out.put(outcome.started_s).put(outcome.elapsed_s).put(outcome.exit_code).put(outcome.signal);
  out.put(outcome.error).put(outcome.error_type).put(outcome.stdout_text).put(outcome.stderr_text);
  out.put(outcome.value).put(outcome.value_is_json);
  return out.take();
}

Outcome decode_outcome(BytesView bytes) {
  ByteReader in(bytes);
  Outcome outcome;
  outcome.task = TaskId(in.get<std::uint64_t>());
  outcome.attempt = in.get<int>();
  outcome.state = in.get<State>();
  if (outcome.state > State::cancelled) throw FormatError("an unknown state of a task");
  outcome.started_s = in.get<double>();
  outcome.elapsed_s = in.get<double>();
  outcome.exit_code = in.get<int>();
  outcome.signal = in.get<int>();
  outcome.error = in.get_string();
  outcome.error_type = in.get_string();
  outcome.stdout_text = in.get_string();
  outcome.stderr_text = in.get_string();
  outcome.value = in.get_string();
  outcome.value_is_json = in.get<bool>();
  return outcome;
}

}  // namespace parrun
