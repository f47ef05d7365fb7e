#include "core/outcome.hpp"

#include <utility>

#include "core/state_counts.hpp"

namespace parrun {
namespace {

State checked(State state) {
  if (state > State::cancelled) throw FormatError("an unknown state of a task");
  return state;
}

}  // namespace

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

std::optional<State> parse_state(std::string_view name) {
  for (const State state : kStates) {
    if (name == to_string(state)) return state;
  }
  return std::nullopt;
}

Outcome unfinished(const Assignment& attempt, State state, std::string why) {
  Outcome outcome;
  outcome.task = attempt.task;
  outcome.attempt = attempt.attempt;
  outcome.state = state;
  outcome.error = std::move(why);
  return outcome;
}

Bytes encode(const Outcome& outcome) {
  ByteWriter out;
  append(outcome, out);
  return out.take();
}

void append(const Outcome& outcome, ByteWriter& out) {
  append_but_value(outcome, out);
  out.append(outcome.value);
}

void append_but_value(const Outcome& outcome, ByteWriter& out) {
  out.put(outcome.task.get()).put(outcome.attempt).put(outcome.state);
  out.put(outcome.started_s).put(outcome.elapsed_s).put(outcome.user_s).put(outcome.system_s);
  out.put(outcome.max_rss_kb).put(outcome.exit_code).put(outcome.signal);
  out.put(outcome.error).put(outcome.error_type).put(outcome.error_value).put(outcome.warning);
  out.put(outcome.stdout_text).put(outcome.stderr_text).put(outcome.value_is_json);
  out.put<std::uint64_t>(outcome.value.size());
}

Outcome decode_outcome(BytesView bytes) {
  ByteReader in(bytes);
  Outcome outcome;
  outcome.task = TaskId(in.get<std::uint64_t>());
  outcome.attempt = in.get<int>();
  outcome.state = checked(in.get<State>());
  for (double* seconds : {&outcome.started_s, &outcome.elapsed_s, &outcome.user_s, &outcome.system_s}) {
    *seconds = in.get<double>();
  }
  outcome.max_rss_kb = in.get<std::int64_t>();
  outcome.exit_code = in.get<int>();
  outcome.signal = in.get<int>();
  for (std::string* text : {&outcome.error, &outcome.error_type, &outcome.error_value, &outcome.warning,
                            &outcome.stdout_text, &outcome.stderr_text}) {
    if (const BytesView found = in.get_bytes(); !found.empty()) *text = found;
  }
  outcome.value_is_json = in.get<bool>();
  if (const BytesView value = in.get_bytes(); !value.empty()) outcome.value = value;
  if (!in.at_end()) throw FormatError("bytes behind an outcome's last field");
  return outcome;
}

Assignment decode_attempt(BytesView bytes) {
  constexpr int kTexts = 6;
  ByteReader in(bytes);
  const TaskId task(in.get<std::uint64_t>());
  const int attempt = in.get<int>();
  checked(in.get<State>());
  in.skip(4 * sizeof(double) + sizeof(std::int64_t) + 2 * sizeof(int));
  for (int text = 0; text < kTexts; ++text) in.get_bytes();
  in.get<bool>();
  in.get_bytes();
  if (!in.at_end()) throw FormatError("bytes behind an outcome's last field");
  return {task, attempt};
}

}  // namespace parrun
