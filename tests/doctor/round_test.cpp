#include "doctor/round.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/outcome.hpp"
#include "doctor/rank_tasks.hpp"
#include "support/fake_transport.hpp"
#include "support/manual_clock.hpp"
#include "support/orders.hpp"

namespace {

using namespace parrun;
using namespace parrun::doctor;
using parrun::test::FakeTransport;
using parrun::test::ManualClock;
using ::testing::ElementsAre;
using ::testing::Key;

constexpr std::uint32_t kEpoch = 3;

class RoundTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const int rank : {1, 2}) {
      EXPECT_TRUE(transport.take<Begin>(Rank(rank)).kill_overrunning);
      const Give give = transport.take<Give>(Rank(rank));
      const std::vector<AttemptOrder> orders = parrun::test::orders_of(give);
      ASSERT_EQ(orders.size(), 1U);
      EXPECT_EQ(decode_task(orders[0].payload), tasks.at(Rank(rank)));
      EXPECT_EQ(orders[0].id.task, TaskId(kEpoch));
    }
  }
  void answer(int rank, std::uint64_t task, State state = State::succeeded) {
    Outcome outcome;
    outcome.task = TaskId(task);
    outcome.state = state;
    transport.arrive(Report{.epoch = kEpoch, .finished = {{encode(outcome)}}, .executing = {}}, Rank(rank));
    round.turn(clock.now());
  }

  ManualClock clock;
  FakeTransport transport{Rank(0), 4};
  Crew crew{transport, Limits{}, clock.now(), {}};
  std::map<Rank, TaskSpec> tasks{{Rank(1), endless_task(1)}, {Rank(2), survivors_task({77})}};
  Round round{crew, kEpoch, false, tasks};
};

TEST_F(RoundTest, EachOfTheRanksHasItsTaskAndNoOther) { EXPECT_FALSE(round.finished()); }

TEST_F(RoundTest, IsFinishedWhenAllHaveAnswered) {
  answer(2, kEpoch);
  EXPECT_FALSE(round.finished());
  EXPECT_THAT(round.answers(), ElementsAre(Key(Rank(2))));
  answer(1, kEpoch, State::timed_out);
  EXPECT_TRUE(round.finished());
  EXPECT_EQ(round.answers().at(Rank(1)).outcome.state, State::timed_out);
}

TEST_F(RoundTest, AnAnswerToAnEarlierRoundIsNone) {
  answer(1, kEpoch - 1);
  EXPECT_TRUE(round.answers().empty());
}

}  // namespace
