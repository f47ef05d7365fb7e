#include "core/ended.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace parrun;

const std::string kHost = "node17";

Outcome failed() {
  Outcome outcome;
  outcome.task = TaskId(7);
  outcome.attempt = 2;
  outcome.state = State::failed;
  outcome.exit_code = 137;
  outcome.elapsed_s = 0.5;
  outcome.error = "exit code 137";
  outcome.value = std::string(1000, 'v');
  return outcome;
}

Ended as_it_came(const SharedBytes& message) { return {message.part(message), Rank(3), kHost}; }

TEST(Ended, SaysWhatItsOutcomeSaysBeforeItIsUnpacked) {
  const SharedBytes message(encode(failed()));
  for (const Ended& ended : {as_it_came(message), Ended(failed())}) {
    EXPECT_EQ(ended.head().attempt, (Assignment{TaskId(7), 2}));
    EXPECT_EQ(ended.state(), State::failed);
    EXPECT_FALSE(ended.succeeded());
    EXPECT_EQ(ended.head().exit_code, 137);
    EXPECT_EQ(ended.head().elapsed_s, 0.5);
    EXPECT_GE(ended.bytes(), 1000U);
  }
}

TEST(Ended, LeavesNothingOfTheOutcomeThatItIsUnpackedOver) {
  Outcome over = failed();
  over.warning = "left 2 processes behind";
  over.host = "elsewhere";
  over.earlier = {failed()};
  Outcome next;
  next.task = TaskId(8);
  next.value = "value";
  Ended(encode(next), Rank(3), kHost).move_to(over);
  EXPECT_EQ(encode(over), encode(next));
  EXPECT_EQ(over.rank, Rank(3));
  EXPECT_EQ(over.host, kHost);
  EXPECT_TRUE(over.earlier.empty());
}

TEST(Ended, OfThisRankKeepsAllThatIsKnown) {
  Outcome lost = failed();
  lost.rank = Rank(5);
  lost.host = "node5";
  lost.earlier = {failed()};
  const Outcome outcome = Ended(lost).outcome();
  EXPECT_EQ(encode(outcome), encode(lost));
  EXPECT_EQ(outcome.rank, Rank(5));
  EXPECT_EQ(outcome.host, "node5");
  EXPECT_EQ(outcome.earlier.size(), 1U);
}

TEST(Ended, KeepsItsMessageUntilItIsApart) {
  SharedBytes message(encode(failed()));
  Ended ended = as_it_came(message);
  EXPECT_TRUE(SharedBytes(message).take_if_alone().empty());
  ended = std::move(ended).apart();
  EXPECT_EQ(std::move(message).take_if_alone(), encode(failed()));
  EXPECT_EQ(encode(std::move(ended).outcome()), encode(failed()));
}

TEST(Ended, RefusesWhatIsNoOutcome) { EXPECT_THROW(Ended(Bytes("no outcome"), Rank(3), kHost), FormatError); }

}  // namespace
