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

Assignment decode_attempt(BytesView bytes) {
  ByteReader in(bytes);
  const TaskId task(in.get<std::uint64_t>());
  const auto number = in.get<int>();
  const bool known_state = in.get<std::uint8_t>() <= static_cast<std::uint8_t>(State::cancelled);
  in.get<double>();
  in.get<double>();
  in.get<int>();
  in.get<int>();
  for (int texts = 0; texts < 5; ++texts) in.get_bytes();
  const bool is_bool = in.get<std::uint8_t>() <= 1;
  if (!known_state || !is_bool) throw FormatError("an outcome with an impossible value");
  if (!in.at_end()) throw FormatError("bytes behind an outcome's last field");
  return {task, number};
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
