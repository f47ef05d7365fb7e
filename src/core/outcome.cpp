#include "core/outcome.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "core/state_counts.hpp"

namespace parrun {
namespace {

// Encoded: the fields that all have, then each part that is there, then the value's bytes.
struct Fields {
  std::uint64_t task = 0;
  int attempt = 0;
  State state = State::succeeded;
  bool value_is_json = false;
  std::uint8_t parts = 0;  ///< which are there: a bit for each text, and those below
  double started_s = 0;
  double elapsed_s = 0;
  std::uint64_t value_size = 0;  ///< [bytes]
  // kUsage.
  double user_s = 0;
  double system_s = 0;
  std::int64_t max_rss_kb = 0;
  // kExit.
  int exit_code = 0;
  int signal = 0;
};
constexpr std::size_t kTexts = 6;
constexpr unsigned kAllTexts = (1U << kTexts) - 1;
constexpr unsigned kUsage = 1U << kTexts;
constexpr unsigned kExit = kUsage << 1;

// Calls `each(i, text)` for all texts of an Outcome, or a const one.
void for_each_text(auto& outcome, auto each) {
  unsigned i = 0;
  each(i++, outcome.error);
  each(i++, outcome.error_type);
  each(i++, outcome.error_value);
  each(i++, outcome.warning);
  each(i++, outcome.stdout_text);
  each(i++, outcome.stderr_text);
}

constexpr int kMostExitCode = 255;
// Neither NaN nor beyond all days.
bool is_time(double seconds) { return seconds >= 0 && seconds < 1e12; }

// In the memory that it has, but that of something huge is not kept for something small.
void assign(BytesView from, std::string& to) {
  constexpr std::size_t kKept = std::size_t{4} << 20;
  if (to.capacity() > std::max(kKept, 2 * from.size())) std::string().swap(to);
  to.clear();
  to.append(from);
}

void drop(std::string& text) {
  if (!text.empty()) assign({}, text);
}

// Calls `on_text(i, text)` for each text that is there; returns the fields, and the value.
std::pair<Fields, BytesView> parse(BytesView bytes, auto on_text) {
  ByteReader in(bytes);
  Fields it;
  in.get(it.task, it.attempt, it.state, it.value_is_json, it.parts, it.started_s, it.elapsed_s,
         it.value_size);
  if ((it.parts & kUsage) != 0) in.get(it.user_s, it.system_s, it.max_rss_kb);
  if ((it.parts & kExit) != 0) in.get(it.exit_code, it.signal);
  if (it.state > State::cancelled) throw FormatError("an unknown state of a task");
  if (!is_time(it.started_s) || !is_time(it.elapsed_s) || !is_time(it.user_s) || !is_time(it.system_s))
    throw FormatError("a time of a task that cannot be");
  if (it.exit_code < 0 || it.exit_code > kMostExitCode) throw FormatError("an exit code that cannot be");
  for (unsigned left = it.parts & kAllTexts; left != 0; left &= left - 1) {
    on_text(static_cast<unsigned>(std::countr_zero(left)), in.get_bytes());
  }
  const BytesView value = in.get_bytes(it.value_size);
  if (!in.at_end()) throw FormatError("bytes behind an outcome's last field");
  return {it, value};
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

void reset(Outcome& outcome) {
  for_each_text(outcome, [](unsigned, std::string& text) { drop(text); });
  assign({}, outcome.value);  // empty or not: it may have been huge
  outcome.value_is_json = false;
  outcome.state = State::succeeded;
  outcome.started_s = outcome.elapsed_s = outcome.user_s = outcome.system_s = 0;
  outcome.max_rss_kb = 0;
  outcome.exit_code = outcome.signal = 0;
  outcome.earlier.clear();
}

Bytes encode(const Outcome& outcome) {
  ByteWriter out;
  append(outcome, out);
  return out.take();
}

LargeOutcome encode_large(Outcome outcome) {
  const std::size_t value_size = outcome.value.size();
  ByteWriter out(std::exchange(outcome.value, {}));
  append(outcome, out);
  return {out.take(), value_size};
}

void append(const Outcome& outcome, ByteWriter& out) {
  append_but_value(outcome, out);
  out.append(outcome.value);
}

void append_but_value(const Outcome& outcome, ByteWriter& out) {
  const bool used = outcome.user_s != 0 || outcome.system_s != 0 || outcome.max_rss_kb != 0;
  const bool exit = outcome.exit_code != 0 || outcome.signal != 0;
  unsigned parts = (used ? kUsage : 0) | (exit ? kExit : 0);
  for_each_text(outcome,
                [&](unsigned i, const std::string& text) { parts |= (text.empty() ? 0U : 1U) << i; });
  out.put(outcome.task.get(), outcome.attempt, outcome.state, outcome.value_is_json,
          static_cast<std::uint8_t>(parts), outcome.started_s, outcome.elapsed_s,
          std::uint64_t{outcome.value.size()});
  if (used) out.put(outcome.user_s, outcome.system_s, outcome.max_rss_kb);
  if (exit) out.put(outcome.exit_code, outcome.signal);
  if ((parts & kAllTexts) == 0) return;
  for_each_text(outcome, [&](unsigned, const std::string& text) {
    if (!text.empty()) out.put(text);
  });
}

OutcomeHead decode_outcome_head(BytesView bytes) {
  const Fields it = parse(bytes, [](unsigned, BytesView) {}).first;
  return {{TaskId(it.task), it.attempt}, it.state, it.exit_code, it.elapsed_s};
}

void decode_outcome(BytesView bytes, Outcome& outcome) {
  const auto [it, value] = parse(bytes, [&](unsigned i, BytesView text) {
    for_each_text(outcome, [&](unsigned at, std::string& to) {
      if (at == i) assign(text, to);
    });
  });
  for_each_text(outcome, [absent = ~unsigned{it.parts}](unsigned i, std::string& text) {
    if ((absent >> i & 1U) != 0) drop(text);
  });
  outcome.task = TaskId(it.task);
  outcome.attempt = it.attempt;
  outcome.state = it.state;
  outcome.started_s = it.started_s;
  outcome.elapsed_s = it.elapsed_s;
  outcome.user_s = it.user_s;
  outcome.system_s = it.system_s;
  outcome.max_rss_kb = it.max_rss_kb;
  outcome.exit_code = it.exit_code;
  outcome.signal = it.signal;
  outcome.value_is_json = it.value_is_json;
  assign(value, outcome.value);
}

Outcome decode_outcome(BytesView bytes) {
  Outcome outcome;
  decode_outcome(bytes, outcome);
  return outcome;
}

}  // namespace parrun
