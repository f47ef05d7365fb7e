#include "exec/serve.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "core/attempt_order.hpp"
#include "core/outcome.hpp"
#include "exec/share_table.hpp"

namespace {

using namespace std::chrono_literals;
using namespace parrun;

constexpr Duration kCleaning = 20ms;

/// Does nothing, and then takes kCleaning to clean up, and to drop what was released.
class IdleAttempter final : public Attempter {
 public:
  IdleAttempter(const ShareTable& table, Place left) : Attempter(table), left_(left) {}
  void attempt(const AttemptOrder& order, TimePoint& now, Outcome& outcome) override {
    begin(order, now, outcome);
    starts.push_back(now);
    ends.push_back(now = Clock::now());
  }
  Place clean_up() override {
    std::this_thread::sleep_for(kCleaning);
    return left_;
  }
  void drop_released() override { std::this_thread::sleep_for(kCleaning); }

  std::vector<TimePoint> starts;
  std::vector<TimePoint> ends;

 private:
  Place left_;
};

// Serves two tasks that are there from the start, with `between` between them.
std::unique_ptr<IdleAttempter> serve_two(Attempter::Place left, const Bytes& between = {}) {
  const ShareTable table;
  const auto channel = std::make_unique<Channel>();
  auto attempter = std::make_unique<IdleAttempter>(table, left);
  const auto order = [](std::uint64_t task) { return encode(AttemptOrder{{TaskId(task)}, "a payload"}); };
  const Bytes frames = order(0) + between + order(1) + framed(ByteWriter().put(FrameKind::quit).view());
  EXPECT_EQ(channel->tasks.try_write(frames), frames.size());
  serve_tasks(*channel, *attempter);
  EXPECT_EQ(attempter->starts.size(), attempter->ends.size());
  return attempter;
}

TEST(Serve, AnAttemptBeginsWhenTheOneBeforeHasEndedAndTheClockIsReadOnceForBoth) {
  const auto served = serve_two(Attempter::Place::as_it_was);
  ASSERT_EQ(served->starts.size(), 2U);
  EXPECT_EQ(served->starts[1], served->ends[0]);
}

TEST(Serve, WhatOneLeavesToBeCleanedUpIsNoTimeOfTheNext) {
  const auto served = serve_two(Attempter::Place::cleaned);
  ASSERT_EQ(served->starts.size(), 2U);
  EXPECT_GE(served->starts[1], served->ends[0] + kCleaning);
}

TEST(Serve, WhatIsReleasedBetweenTwoIsNoTimeOfTheNext) {
  const Bytes release = framed(ByteWriter().put(FrameKind::release).view());
  const auto served = serve_two(Attempter::Place::as_it_was, release);
  ASSERT_EQ(served->starts.size(), 2U);
  EXPECT_GE(served->starts[1], served->ends[0] + kCleaning);
}

TEST(Serve, NothingIsAttemptedInASpoiltPlace) {
  EXPECT_EQ(serve_two(Attempter::Place::spoilt)->starts.size(), 1U);
}

}  // namespace
