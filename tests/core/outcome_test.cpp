#include "core/outcome.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <random>
#include <set>
#include <string>

namespace {

using namespace parrun;

Outcome full() {
  Outcome outcome;
  outcome.task = TaskId(std::numeric_limits<std::uint64_t>::max());
  outcome.attempt = 3;
  outcome.state = State::timed_out;
  outcome.started_s = 1.7e9;
  outcome.elapsed_s = 1e-7;
  outcome.user_s = 0.25;
  outcome.system_s = 0.125;
  outcome.max_rss_kb = 1 << 20;
  outcome.exit_code = 137;
  outcome.signal = 9;
  outcome.error = "reached its limit";
  outcome.error_type = "std::runtime_error";
  outcome.warning = "left 2 processes behind";
  outcome.stdout_text = std::string("a\0b", 3);
  outcome.stderr_text = "c\n";
  outcome.value = std::string(1000, 'v');
  outcome.value_is_json = true;
  return outcome;
}

void expect_equal(const Outcome& a, const Outcome& b) {
  EXPECT_EQ(a.task, b.task);
  EXPECT_EQ(a.attempt, b.attempt);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.started_s, b.started_s);
  EXPECT_EQ(a.elapsed_s, b.elapsed_s);
  EXPECT_EQ(a.user_s, b.user_s);
  EXPECT_EQ(a.system_s, b.system_s);
  EXPECT_EQ(a.max_rss_kb, b.max_rss_kb);
  EXPECT_EQ(a.exit_code, b.exit_code);
  EXPECT_EQ(a.signal, b.signal);
  EXPECT_EQ(a.error, b.error);
  EXPECT_EQ(a.error_type, b.error_type);
  EXPECT_EQ(a.warning, b.warning);
  EXPECT_EQ(a.stdout_text, b.stdout_text);
  EXPECT_EQ(a.stderr_text, b.stderr_text);
  EXPECT_EQ(a.value, b.value);
  EXPECT_EQ(a.value_is_json, b.value_is_json);
}

TEST(Outcome, ComesBackAsItWas) {
  expect_equal(decode_outcome(encode(full())), full());
  expect_equal(decode_outcome(encode(Outcome{})), Outcome{});
}

TEST(Outcome, ComesBackAsItWasIntoOneThatWasThereBefore) {
  Outcome used = full();
  decode_outcome(encode(Outcome{}), used);
  expect_equal(used, Outcome{});
  decode_outcome(encode(full()), used);
  expect_equal(used, full());
}

TEST(Outcome, IsResetToWhatItWasWhenItWasMade) {
  Outcome used = full();
  used.earlier.emplace_back();
  reset(used);
  used.task = Outcome{}.task;
  used.attempt = Outcome{}.attempt;
  expect_equal(used, Outcome{});
  EXPECT_TRUE(used.earlier.empty());
}

TEST(Outcome, DoesNotCarryRankAndHost) {
  Outcome outcome = full();
  outcome.rank = Rank(4);
  outcome.host = "node17";
  EXPECT_EQ(encode(outcome), encode(full()));
}

TEST(Outcome, TruncatedAnywhereIsRefused) {
  const Bytes bytes = encode(full());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(decode_outcome(BytesView(bytes).substr(0, size)), FormatError) << size;
  }
}

// A task may have written over it, and whoever computes with it must not care.
TEST(Outcome, OfTimesOrAnExitCodeThatCannotBeIsRefused) {
  const auto refused = [](auto change) {
    Outcome outcome = full();
    change(outcome);
    EXPECT_THROW(decode_outcome_head(encode(outcome)), FormatError);
  };
  for (const double time :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), -1.0, 1e300}) {
    refused([&](Outcome& outcome) { outcome.started_s = time; });
    refused([&](Outcome& outcome) { outcome.elapsed_s = time; });
    refused([&](Outcome& outcome) { outcome.user_s = time; });
    refused([&](Outcome& outcome) { outcome.system_s = time; });
  }
  for (const int code : {-1, 256, std::numeric_limits<int>::min()}) {
    refused([&](Outcome& outcome) { outcome.exit_code = code; });
  }
}

TEST(Outcome, FlippedAnywhereIsReadOrRefused) {
  const Bytes bytes = encode(full());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      try {
        const Outcome outcome = decode_outcome(flipped);
        EXPECT_STRNE(to_string(outcome.state), "unknown") << "byte " << at << ", bit " << bit;
      } catch (const FormatError&) {
      }
    }
  }
}

// What the worker believes, the dispatcher can read, and it is of the same attempt.
TEST(Outcome, ItsAttemptIsReadWhereAllOfItCanBeReadAndNowhereElse) {
  const auto attempt_in = [](BytesView bytes) -> std::optional<Assignment> {
    try {
      return decode_outcome_head(bytes).attempt;
    } catch (const FormatError&) {
      return std::nullopt;
    }
  };
  const auto attempt_of_outcome_in = [](BytesView bytes) -> std::optional<Assignment> {
    try {
      const Outcome outcome = decode_outcome(bytes);
      return Assignment{outcome.task, outcome.attempt};
    } catch (const FormatError&) {
      return std::nullopt;
    }
  };
  const Bytes bytes = encode(full());
  EXPECT_EQ(attempt_in(bytes), (Assignment{full().task, full().attempt}));
  EXPECT_FALSE(attempt_in(bytes + 'x'));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    EXPECT_FALSE(attempt_in(BytesView(bytes).substr(0, at))) << at;
    for (int bit = 0; bit < 8; ++bit) {
      Bytes flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      EXPECT_EQ(attempt_in(flipped), attempt_of_outcome_in(flipped)) << "byte " << at << ", bit " << bit;
    }
  }
}

TEST(Outcome, EachStateHasAWordOfItsOwn) {
  std::set<std::string> words;
  for (const State state :
       {State::succeeded, State::failed, State::timed_out, State::lost, State::cancelled}) {
    words.insert(to_string(state));
  }
  EXPECT_EQ(words, (std::set<std::string>{"succeeded", "failed", "timed_out", "lost", "cancelled"}));
}

}  // namespace
