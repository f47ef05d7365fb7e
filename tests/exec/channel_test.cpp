#include "exec/channel.hpp"

#include <gtest/gtest.h>

#include <barrier>
#include <memory>
#include <thread>

#include "support/manual_clock.hpp"

namespace {

using namespace parrun;
using namespace std::chrono_literals;

class ChannelTest : public ::testing::Test {
 protected:
  std::unique_ptr<Channel> channel = std::make_unique<Channel>();
  test::ManualClock clock;
};

TEST_F(ChannelTest, ProgressTellsHowManyStartedAndWhenTheLastDid) {
  EXPECT_EQ(channel->progress().started, 0U);
  EXPECT_TRUE(channel->claim(0, 0, clock.now()));
  EXPECT_TRUE(channel->claim(1, 0, clock.advance(3s)));
  EXPECT_EQ(channel->progress().started, 2U);
  EXPECT_EQ(channel->progress().since, clock.now());
}

TEST_F(ChannelTest, NothingStartsFromARevocationToItsResumption) {
  EXPECT_TRUE(channel->claim(0, 0, clock.now()));
  EXPECT_EQ(channel->revoke(), 1U);
  EXPECT_FALSE(channel->claim(1, 0, clock.now()));
  EXPECT_EQ(channel->progress().started, 1U);
  EXPECT_TRUE(channel->claim(1, 1, clock.now()));
}

TEST_F(ChannelTest, EachRevocationWantsAResumptionOfItsOwn) {
  channel->revoke();
  channel->revoke();
  EXPECT_FALSE(channel->claim(0, 0, clock.now()));
  EXPECT_FALSE(channel->claim(0, 1, clock.now()));
  EXPECT_TRUE(channel->claim(0, 2, clock.now()));
}

TEST_F(ChannelTest, AFrameIsItsLengthAndItsBytes) {
  EXPECT_EQ(framed("abc"), Bytes("\3\0\0\0\0\0\0\0abc", 11));
  EXPECT_EQ(framed(""), Bytes(8, '\0'));
}

// Of a claim and a revocation that meet, one is first, and both sides know which.
TEST_F(ChannelTest, BothSidesAgreeOnWhetherATaskStarted) {
  constexpr std::uint64_t kRounds = 4000;
  std::barrier meeting(2);
  std::uint64_t started = 0;  // only read by this thread between the barriers
  std::thread executor([&] {
    for (std::uint64_t round = 0; round < kRounds; ++round) {
      meeting.arrive_and_wait();
      if (channel->claim(started, round, Clock::now())) ++started;
      meeting.arrive_and_wait();
    }
  });
  std::uint64_t disagreements = 0;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    meeting.arrive_and_wait();
    const std::uint64_t seen = channel->revoke();
    meeting.arrive_and_wait();
    if (seen != started) ++disagreements;
  }
  executor.join();
  EXPECT_EQ(disagreements, 0U);
}

}  // namespace
