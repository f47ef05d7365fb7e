#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "parrun/outcome.hpp"

namespace parrun {

/// For the way from an executor to the dispatcher. Without rank and host, which whoever receives it
/// knows, and without the earlier attempts.
Bytes encode(const Outcome& outcome);
void append(const Outcome& outcome, ByteWriter& out);
/// The value's bytes are to be written behind it.
void append_but_value(const Outcome& outcome, ByteWriter& out);

/// An outcome whose value is large, in one piece of memory in which the value is never moved: first its
/// bytes, then the outcome without it, encoded.
struct LargeOutcome {
  Bytes bytes;
  std::size_t value_size = 0;

  BytesView value() const { return BytesView(bytes).substr(0, value_size); }
  BytesView rest() const { return BytesView(bytes).substr(value_size); }
};
LargeOutcome encode_large(Outcome outcome);

/// As Outcome() makes it, but for its task, attempt, rank and host; its texts' memory stays, unless it is
/// much.
void reset(Outcome& outcome);

/// Throw FormatError where `bytes` are no outcome. Into one that was there before goes all that is encoded,
/// in the memory that it has; the rest stays.
Outcome decode_outcome(BytesView bytes);
void decode_outcome(BytesView bytes, Outcome& outcome);

/// What must be known of an outcome on its way. Checks all of it, and copies nothing. Throws FormatError
/// where it is none.
struct OutcomeHead {
  Assignment attempt;
  State state = State::succeeded;
  int exit_code = 0;
  double elapsed_s = 0;
};
OutcomeHead decode_outcome_head(BytesView bytes);

/// What it takes of memory, without the earlier attempts.
inline std::size_t size_of(const Outcome& outcome) {
  return sizeof outcome + outcome.value.capacity() + outcome.stdout_text.size() + outcome.stderr_text.size() +
         outcome.error.size() + outcome.error_value.size();
}

/// Of an attempt that did not end by itself: why, in a line.
Outcome unfinished(const Assignment& attempt, State state, std::string why);
inline constexpr const char* kCancelledUnstarted = "was cancelled before it started";

/// The state that to_string() calls so, or none.
std::optional<State> parse_state(std::string_view name);

}  // namespace parrun
