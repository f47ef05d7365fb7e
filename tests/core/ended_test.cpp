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

TEST(Ended, TakesALargeValueFromItsMessageWithoutACopy) {
  Outcome large = failed();
  large.value = std::string(100'000, 'v');
  const Bytes encoded = encode(large);
  const std::size_t value_size = large.value.size();
  LargeOutcome apart = encode_large(std::move(large));
  for (const bool in_order : {false, true}) {
    SharedBytes message(apart.bytes);
    const char* const place = message.view().data();
    Ended ended(message.part(message.view().substr(value_size)), Rank(3), kHost, value_size);
    message = {};
    EXPECT_EQ(ended.bytes(), apart.bytes.size());
    EXPECT_GE(ended.claim(), apart.bytes.size());
    if (in_order) ended = std::move(ended).apart();
    Outcome outcome;
    std::move(ended).move_to(outcome);
    EXPECT_TRUE(encode(outcome) == encoded);
    EXPECT_EQ(outcome.value.data(), place);
  }
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
  const auto spares = boost::make_local_shared<SpareBytes>();
  Bytes bytes = encode(failed());
  bytes.append(SpareBytes::kLeast, 'x');
  const std::size_t size = bytes.size();
  SharedBytes message(std::move(bytes), spares);
  Ended ended(message.part(message.view().substr(0, encode(failed()).size())), Rank(3), kHost);
  message = {};
  EXPECT_EQ(spares->take(size).back(), '\0') << "other memory";
  ended = std::move(ended).apart();
  EXPECT_EQ(spares->take(size).back(), 'x') << "the message's memory";
  EXPECT_EQ(encode(std::move(ended).outcome()), encode(failed()));
}

TEST(Ended, ClaimsAllThatItKeepsInMemory) {
  constexpr std::size_t kBeside = 100'000;
  const SharedBytes message(encode(failed()) + Bytes(kBeside, 'x'));
  const BytesView first = message.view().substr(0, message.view().size() - kBeside);
  Ended one(message.part(first), Rank(3), kHost);
  Ended another(message.part(first), Rank(3), kHost);
  EXPECT_GT(one.claim(), kBeside);
  EXPECT_GT(one.claimed(), kBeside);
  EXPECT_LT(another.claim(), kBeside) << "the message counts once";
  EXPECT_GT(another.claimed(), 0U);
  const std::size_t apart = Ended(message.part(first), Rank(3), kHost).apart().claim();
  EXPECT_GT(apart, first.size());
  EXPECT_LT(apart, kBeside);
  Outcome retried;
  retried.value = Bytes(kBeside, 'v');
  retried.earlier.resize(2);
  retried.earlier.back().error = Bytes(kBeside, 'e');
  EXPECT_GT(Ended(retried).claim(), 2 * kBeside);
}

TEST(Ended, RefusesWhatIsNoOutcome) { EXPECT_THROW(Ended(Bytes("no outcome"), Rank(3), kHost), FormatError); }

}  // namespace
