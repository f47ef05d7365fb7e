#include "run/delivery.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"

namespace {

using namespace std::chrono_literals;
using namespace parrun;
using parrun::test::TempDir;
using parrun::test::wait_until;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

struct Listener final : DeliveryListener {
  void on_ended(const Outcome& outcome, const std::string& /*label*/) override {
    ended.push_back(outcome.task.get());
  }
  void on_result(const Outcome& outcome, const std::string& label) override {
    results.push_back(outcome.stdout_text + label);
  }
  bool congested() const override { return is_congested; }

  std::vector<std::uint64_t> ended;
  std::vector<std::string> results;
  bool is_congested = false;
};

Outcome outcome(std::uint64_t task, State state = State::succeeded) {
  Outcome outcome;
  outcome.task = TaskId(task);
  outcome.state = state;
  outcome.host = "here";
  outcome.stdout_text = std::to_string(task);
  return outcome;
}

// Without a record.

TEST(DirectDelivery, InTheOrderOfCompletionAllIsToldAtOnce) {
  Listener listener;
  const auto delivery = deliver_directly(listener, Order::completion);
  delivery->take(outcome(2), "");
  delivery->take(outcome(0), "");
  EXPECT_THAT(listener.ended, ElementsAre(2, 0));
  EXPECT_THAT(listener.results, ElementsAre("2", "0"));
}

TEST(DirectDelivery, InTheOrderOfSubmissionTasksOfOtherShardsAreNotWaitedFor) {
  Listener listener;
  const auto delivery = deliver_directly(listener, Order::submission, {2, 3});
  delivery->take(outcome(7), "");
  delivery->take(outcome(4), "");
  EXPECT_THAT(listener.results, IsEmpty());
  delivery->take(outcome(1), "");
  EXPECT_THAT(listener.results, ElementsAre("1", "4", "7"));
}

TEST(DirectDelivery, InTheOrderOfSubmissionResultsWaitForTheirTurn) {
  Listener listener;
  const auto delivery = deliver_directly(listener, Order::submission);
  delivery->take(outcome(2), "");
  delivery->take(outcome(1, State::failed), "");
  EXPECT_THAT(listener.ended, ElementsAre(2, 1));
  EXPECT_THAT(listener.results, IsEmpty());
  delivery->take(outcome(0), "");
  EXPECT_THAT(listener.results, ElementsAre("0", "1", "2"));
  delivery->take(outcome(5), "");
  delivery->take(outcome(4), "");
  delivery->end_order();
  EXPECT_THAT(listener.results, ElementsAre("0", "1", "2", "4", "5"));
}

TEST(DirectDelivery, MuchThatWaitsForItsTurnIsCongestion) {
  Listener listener;
  const auto delivery = deliver_directly(listener, Order::submission);
  for (std::uint64_t task = 1; task <= 5; ++task) {
    EXPECT_EQ(delivery->congested(), task == 5) << task;
    Outcome large = outcome(task);
    large.stdout_text.resize(std::size_t{64} << 20);
    delivery->take(std::move(large), "");
  }
  EXPECT_TRUE(delivery->congested());
  EXPECT_TRUE(delivery->waits_for_earlier());
  delivery->end_order();
  EXPECT_FALSE(delivery->congested());
}

// With a record.

class RecordedDelivery : public ::testing::Test {
 protected:
  void start(Order order, bool replay = false) {
    const record::OpenOptions options{.path = path, .existing = record::OpenOptions::Existing::resume};
    listener = {};
    delivery = deliver_recorded(listener, order, record::RecordFile(options, {"jobs.bin", 1, 5}), replay);
  }
  void turn_until_done() {
    EXPECT_TRUE(wait_until(
        [&] {
          delivery->turn();
          return delivery->done();
        },
        10s));
  }
  void turn_until_safe() {
    EXPECT_TRUE(wait_until(
        [&] {
          delivery->turn();
          return delivery->safe();
        },
        10s));
  }
  void finish() {
    delivery->end_order();
    turn_until_done();
    delivery->finish(0);
    EXPECT_TRUE(wait_until([&] { return delivery->closed(); }, 10s));
  }
  std::int64_t recorded() {
    return Database(path, Database::Access::read_only).integer("SELECT count(*) FROM tasks");
  }

  TempDir dir;
  std::string path = dir.file("jobs.record");
  Listener listener;
  std::unique_ptr<Delivery> delivery;
};

TEST_F(RecordedDelivery, WhatIsToldIsRecorded) {
  start(Order::completion);
  delivery->take(outcome(3), " label");
  EXPECT_THAT(listener.ended, IsEmpty());
  turn_until_safe();
  EXPECT_THAT(listener.ended, ElementsAre(3));
  EXPECT_THAT(listener.results, ElementsAre("3 label"));
  EXPECT_EQ(recorded(), 1);
  finish();
}

TEST_F(RecordedDelivery, InTheOrderOfSubmissionEndsAreToldAsTheyComeAndResultsInTheirTurn) {
  start(Order::submission);
  for (const std::uint64_t task : {4, 1}) delivery->take(outcome(task), "");
  turn_until_safe();
  EXPECT_THAT(listener.ended, ElementsAre(4, 1));
  EXPECT_THAT(listener.results, IsEmpty());
  delivery->take(outcome(0), "");
  EXPECT_TRUE(wait_until(
      [&] {
        delivery->turn();
        return listener.results.size() == 2;
      },
      10s));
  delivery->take(outcome(3), "");
  finish();
  EXPECT_THAT(listener.results, ElementsAre("0", "1", "3", "4"));
}

TEST_F(RecordedDelivery, AListenerThatIsCongestedIsNotToldWhatCanBeReadBackLater) {
  start(Order::submission);
  listener.is_congested = true;
  delivery->take(outcome(0), "");
  turn_until_safe();
  for (int i = 0; i < 100; ++i) delivery->turn();
  EXPECT_THAT(listener.results, IsEmpty());
  EXPECT_FALSE(delivery->done());
  listener.is_congested = false;
  finish();
  EXPECT_THAT(listener.results, ElementsAre("0"));
}

TEST_F(RecordedDelivery, AResumedRunTellsTheWholeBatchInTheOrderOfSubmission) {
  start(Order::completion);
  for (const std::uint64_t task : {0, 3}) delivery->take(outcome(task), "");
  finish();
  start(Order::submission);
  for (const std::uint64_t task : {4, 2, 1}) delivery->take(outcome(task), "");
  finish();
  EXPECT_THAT(listener.ended, ElementsAre(4, 2, 1));
  EXPECT_THAT(listener.results, ElementsAre("0", "1", "2", "3", "4"));
}

TEST_F(RecordedDelivery, EarlierResultsAreReplayedInTheOrderOfCompletionWhereThatIsWanted) {
  start(Order::completion);
  for (const std::uint64_t task : {3, 0}) delivery->take(outcome(task), "");
  finish();
  start(Order::completion);
  delivery->take(outcome(1), "");
  finish();
  EXPECT_THAT(listener.results, ElementsAre("1"));
  start(Order::completion, true);
  delivery->take(outcome(2), "");
  finish();
  EXPECT_THAT(listener.results, UnorderedElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(listener.ended, ElementsAre(2));
}

}  // namespace
