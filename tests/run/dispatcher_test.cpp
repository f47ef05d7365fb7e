#include "run/dispatcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "batch/task_spec.hpp"
#include "core/outcome.hpp"
#include "core/signal_rule.hpp"
#include "support/fake_transport.hpp"
#include "support/manual_clock.hpp"
#include "support/orders.hpp"

namespace {

using namespace std::chrono_literals;
using namespace parrun;
using parrun::test::FakeTransport;
using parrun::test::ManualClock;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Not;
using ::testing::SizeIs;
using Kind = Expiry::Kind;

constexpr std::uint32_t kEpoch = 2;
constexpr Rank kFirst{1};
constexpr Rank kSecond{2};

// Tasks whose payload is their number; as many as the test says, or without end.
class NumberedTasks final : public TaskSource {
 public:
  explicit NumberedTasks(std::uint64_t count) : count_(count) {}
  std::uint64_t pull(std::uint64_t wanted) override {
    pulled = std::max(pulled, std::min({wanted, count_, most}));
    return pulled;
  }
  bool exhausted() const override { return pulled == count_; }
  BytesView payload(TaskId task) override {
    if (!label) return test::kept(std::to_string(task.get()) + padding);
    TaskSpec spec;
    spec.label = label(task.get());
    return test::kept(encode(spec));
  }
  void forget(TaskId task) override { forgotten.push_back(task); }

  std::uint64_t pulled = 0;
  std::uint64_t most = ~std::uint64_t{0};  ///< of them that are given now
  std::string padding;
  std::function<std::string(std::uint64_t)> label;  ///< where set, payloads are tasks with labels
  std::vector<TaskId> forgotten;

 private:
  std::uint64_t count_;
};

// Rank 0 with two workers that the test plays.
class DispatcherTest : public ::testing::Test {
 protected:
  Dispatcher& start(std::uint64_t tasks, const Limits& limits = {}, const Dispatcher::Retry& retry = {},
                    const Dispatcher::StartingPoint& from = {}) {
    crew = std::make_unique<Crew>(transport, limits, clock.now(), std::vector<std::string>());
    for (const int rank : {1, 2}) {
      transport.arrive(Hello{"node" + std::to_string(rank), rank, "", {}}, Rank(rank));
    }
    EXPECT_FALSE(crew->receive(clock.now()));
    source = std::make_unique<NumberedTasks>(tasks);
    if (from.elsewhere > 0) source->pull(tasks);  // as a batch is known from the start
    const Begin begin{kEpoch, {}, true, false, false, {}};
    const Dispatcher::Sink sink{
        .on_last = [&](Ended&& ended) { delivered.push_back(std::move(ended).outcome()); },
        .on_retried = [&](const Outcome& outcome) { retried.push_back(outcome); }};
    dispatcher = std::make_unique<Dispatcher>(*crew, *source, begin, retry, sink, from);
    for (const Rank rank : {kFirst, kSecond}) EXPECT_EQ(transport.take<Begin>(rank).epoch, kEpoch);
    return *dispatcher;
  }

  bool turn() { return dispatcher->turn(clock.now()); }

  /// The tasks of the next message to `rank`, a Give.
  std::vector<std::uint64_t> given(Rank rank) {
    std::vector<std::uint64_t> tasks;
    const Give give = transport.take<Give>(rank);
    EXPECT_EQ(give.epoch, kEpoch);
    for (const auto& [id, payload] : test::orders_of(give)) {
      tasks.push_back(id.task.get());
      attempts[id.task] = id.attempt;
    }
    return tasks;
  }

  /// The tasks of all messages to `rank`, Gives.
  std::vector<std::uint64_t> all_given(Rank rank) {
    std::vector<std::uint64_t> tasks;
    while (transport.has(rank)) {
      for (const std::uint64_t task : given(rank)) tasks.push_back(task);
    }
    return tasks;
  }

  /// All that was given, and how many recalls there were.
  std::vector<std::uint64_t> given_to(std::initializer_list<Rank> ranks) {
    std::vector<std::uint64_t> tasks;
    for (const Rank rank : ranks) {
      while (transport.has(rank)) {
        const FromDispatcher message = decode_from_dispatcher(test::kept(transport.take(rank)));
        recalls += std::holds_alternative<Recall>(message) ? 1 : 0;
        const auto* give = std::get_if<Give>(&message);
        if (give == nullptr) continue;
        for (const AttemptOrder& order : test::orders_of(*give)) {
          tasks.push_back(order.id.task.get());
          attempts[order.id.task] = order.id.attempt;
        }
      }
    }
    return tasks;
  }
  std::vector<std::uint64_t> given_to_both() { return given_to({kFirst, kSecond}); }

  static Report ended(std::uint64_t task, State state = State::succeeded, int attempt = 1,
                      int own_retries = -1, double elapsed_s = 1) {
    Outcome outcome;
    outcome.task = TaskId(task);
    outcome.attempt = attempt;
    outcome.state = state;
    outcome.elapsed_s = elapsed_s;
    return Report{kEpoch, {{test::kept(encode(outcome)), own_retries}}, {}};
  }
  void arrive(Rank from, const FromWorker& message) {
    transport.arrive(message, from);
    turn();
  }
  static Report executing(std::uint64_t task, Duration running, std::optional<Duration> limit, bool overran) {
    Report::Executing executing;
    executing.task = TaskId(task);
    executing.running = running;
    executing.limit = limit;
    executing.overran = overran;
    return Report{kEpoch, {}, executing};
  }

  ManualClock clock;
  FakeTransport transport{Rank(0), 3};
  std::unique_ptr<Crew> crew;
  std::unique_ptr<NumberedTasks> source;
  std::unique_ptr<Dispatcher> dispatcher;
  std::vector<Outcome> delivered;
  std::vector<Outcome> retried;
  std::map<TaskId, int> attempts;
  int recalls = 0;
};

TEST_F(DispatcherTest, ARunWithoutTasksIsFinishedAtOnce) {
  EXPECT_TRUE(start(0).finished());
  turn();
  EXPECT_FALSE(dispatcher->expired());
}

TEST_F(DispatcherTest, GivesTasksWithTheirPayloadsAndDeliversOutcomesWithRankAndHost) {
  start(2);
  EXPECT_TRUE(turn());
  EXPECT_EQ(test::orders_of(transport.take<Give>(kFirst)).at(0).payload, "0");
  EXPECT_EQ(test::orders_of(transport.take<Give>(kSecond)).at(0).payload, "1");
  arrive(kSecond, ended(1));
  ASSERT_THAT(delivered, SizeIs(1));
  EXPECT_EQ(delivered[0].task, TaskId(1));
  EXPECT_EQ(delivered[0].rank, kSecond);
  EXPECT_EQ(delivered[0].host, "node2");
  EXPECT_FALSE(dispatcher->finished());
  arrive(kFirst, ended(0));
  EXPECT_TRUE(dispatcher->finished());
  EXPECT_THAT(source->forgotten, ElementsAre(TaskId(1), TaskId(0)));
  EXPECT_EQ(dispatcher->counts().done, 2U);
  EXPECT_EQ(dispatcher->counts().failed, 0U);
}

TEST_F(DispatcherTest, KeepsAWorkerSuppliedWhileItExecutes) {
  start(6);
  turn();
  EXPECT_THAT(given(kFirst), ElementsAre(0, 1));
  EXPECT_THAT(given(kSecond), ElementsAre(2, 3));
  EXPECT_EQ(dispatcher->counts().executing, 2U);
  arrive(kFirst, ended(0));
  EXPECT_THAT(given(kFirst), ElementsAre(4));
}

TEST_F(DispatcherTest, AFailedTaskIsTriedAgainAndOnlyItsLastOutcomeIsDelivered) {
  start(2, {}, {.attempts = 1});
  turn();
  given(kFirst);
  given(kSecond);
  arrive(kFirst, ended(0, State::failed));
  EXPECT_THAT(delivered, IsEmpty());
  arrive(kSecond, ended(1));
  EXPECT_THAT(given(kSecond), ElementsAre(0));
  EXPECT_EQ(attempts[TaskId(0)], 2);
  arrive(kSecond, ended(0, State::failed, 2));
  ASSERT_THAT(delivered, SizeIs(2));
  EXPECT_EQ(delivered[1].attempt, 2);
  EXPECT_EQ(dispatcher->counts().failed, 1U);
}

TEST_F(DispatcherTest, ATasksOwnRetriesReplaceTheRuns) {
  start(2, {}, {.attempts = 5});
  turn();
  given(kFirst);
  given(kSecond);
  arrive(kFirst, ended(0, State::failed, 1, 0));
  EXPECT_THAT(delivered, SizeIs(1));
}

TEST_F(DispatcherTest, TheLastOutcomeBringsTheEarlierOnesWithoutWhatTheyWrote) {
  start(1, {}, {.attempts = 1});
  turn();
  given(kFirst);
  Outcome first;
  first.task = TaskId(0);
  first.state = State::failed;
  first.error = "exit code 3";
  first.stdout_text = Bytes(100'000, 'o');
  first.stderr_text = Bytes(100'000, 'e');
  arrive(kFirst, Report{kEpoch, {{encode(first), -1}}, {}});
  ASSERT_THAT(retried, SizeIs(1));
  EXPECT_EQ(retried[0].stdout_text, first.stdout_text);
  EXPECT_THAT(given(kSecond), ElementsAre(0));
  EXPECT_EQ(attempts[TaskId(0)], 2);
  arrive(kSecond, ended(0, State::succeeded, 2));
  ASSERT_THAT(delivered, SizeIs(1));
  ASSERT_THAT(delivered[0].earlier, SizeIs(1));
  EXPECT_EQ(delivered[0].earlier[0].error, "exit code 3");
  EXPECT_EQ(delivered[0].earlier[0].rank, kFirst);
  for (const std::string* text :
       {&delivered[0].earlier[0].stdout_text, &delivered[0].earlier[0].stderr_text}) {
    EXPECT_EQ(*text, "");
    EXPECT_LT(text->capacity(), 1000U) << "its memory is not kept either";
  }
  EXPECT_EQ(dispatcher->counts().failed, 0U);
}

// Tasks whose first attempts fail with long errors, and are tried again much later.
class LongErrorsTest : public DispatcherTest {
 protected:
  static constexpr std::uint64_t kMost = Dispatcher::kMostRemembered / Dispatcher::kMostErrorKept;  // tasks

  static Bytes failed(std::uint64_t task) {
    Outcome outcome;
    outcome.task = TaskId(task);
    outcome.state = State::failed;
    outcome.error = std::string(5000, 'e');
    outcome.error_value = std::string(5000, 'v');
    return encode(FromWorker(Report{kEpoch, {{encode(outcome), -1}}, {}}));
  }
  /// What was given fails, and what is given then, until so many have. Returns how many.
  std::uint64_t fail_all(std::uint64_t most) {
    std::uint64_t failures = 0;
    for (std::uint64_t before = most; failures != before && failures < most;) {
      before = failures;
      for (const Rank rank : {kFirst, kSecond}) {
        for (const std::uint64_t task : given_to({rank})) {
          transport.arrive(failed(task), rank);
          ++failures;
        }
      }
      while (transport.waiting() > 0) turn();
      retried.clear();
    }
    return failures;
  }
  /// The same of second attempts that succeed. Returns how many tasks were given for the first time
  /// meanwhile.
  std::uint64_t succeed_until_others_are_given() {
    std::uint64_t others = 0;
    for (std::uint64_t rounds = 0; rounds < kMost && others == 0; ++rounds) {
      for (const Rank rank : {kFirst, kSecond}) {
        for (const std::uint64_t task : given_to({rank})) {
          const int attempt = attempts[TaskId(task)];
          others += attempt == 1 ? 1 : 0;
          transport.arrive(ended(task, State::succeeded, attempt), rank);
        }
      }
      turn();
    }
    return others;
  }
};

TEST_F(LongErrorsTest, AreKeptShort) {
  start(1, {}, {.attempts = 1});
  turn();
  EXPECT_EQ(fail_all(1), 1U);
  EXPECT_THAT(given(kSecond), ElementsAre(0));
  arrive(kSecond, ended(0, State::succeeded, 2));
  ASSERT_THAT(delivered, SizeIs(1));
  ASSERT_THAT(delivered[0].earlier, SizeIs(1));
  const Outcome& first = delivered[0].earlier[0];
  EXPECT_EQ(first.error, std::string(Dispatcher::kMostErrorKept - 3, 'e') + "...");
  EXPECT_LT(first.error.capacity(), 5000U);
  EXPECT_LT(first.error_value.capacity(), 1000U);
}

TEST_F(LongErrorsTest, OfManyTasksKeepFurtherOnesWaiting) {
  Limits limits;
  limits.stall = 5s;
  limits.lost_after = 1h;
  start(10 * kMost, limits, {.attempts = 1, .delay = 10min});
  turn();
  const std::uint64_t failures = fail_all(2 * kMost);
  EXPECT_GT(failures, kMost / 2);
  EXPECT_LT(failures, 2 * kMost);
  clock.advance(10min - 1s);
  turn();
  EXPECT_FALSE(dispatcher->expired()) << "no task could end";
  EXPECT_THAT(given_to_both(), IsEmpty());
  clock.advance(1s);
  turn();
  EXPECT_GT(succeed_until_others_are_given(), 0U);
  given_to_both();
}

TEST_F(DispatcherTest, ARetryWaitsForItsDelayThoughNothingElseHappens) {
  start(1, {}, {.attempts = 1, .delay = 5s});
  turn();
  given(kFirst);
  arrive(kFirst, ended(0, State::failed));
  clock.advance(4900ms);
  turn();
  transport.expect_empty();
  EXPECT_FALSE(dispatcher->finished());
  clock.advance(200ms);
  turn();
  EXPECT_THAT(given(kSecond), ElementsAre(0));
}

// Draining.

TEST_F(DispatcherTest, DrainingLetsWhatExecutesEndAndStartsNothing) {
  start(6, {}, {.attempts = 3});
  turn();
  given(kFirst);
  given(kSecond);
  dispatcher->drain(Dispatcher::Drain::for_good);
  for (const Rank rank : {kFirst, kSecond}) EXPECT_GT(transport.take<Recall>(rank).count, 1000U);
  arrive(kFirst, Returned{kEpoch, {TaskId(1)}});
  arrive(kSecond, Returned{kEpoch, {TaskId(3)}});
  EXPECT_FALSE(dispatcher->finished());
  arrive(kFirst, ended(0, State::failed));
  EXPECT_FALSE(dispatcher->finished());
  arrive(kSecond, ended(2));
  EXPECT_TRUE(dispatcher->finished());
  EXPECT_THAT(delivered, SizeIs(2));
  EXPECT_THAT(retried, IsEmpty());
}

TEST_F(DispatcherTest, DrainingForNowLeavesWhatWouldBeTriedAgainToALaterRun) {
  start(2, {}, {.attempts = 3});
  turn();
  given(kFirst);
  given(kSecond);
  dispatcher->drain(Dispatcher::Drain::for_now);
  for (const Rank rank : {kFirst, kSecond}) transport.take<Recall>(rank);
  arrive(kFirst, ended(0, State::failed));
  arrive(kSecond, ended(1));
  EXPECT_TRUE(dispatcher->finished());
  EXPECT_THAT(delivered, SizeIs(1));
  EXPECT_THAT(retried, SizeIs(1));
}

class SignalledTaskTest : public DispatcherTest {
 protected:
  void SetUp() override {
    start(2);
    turn();
    given(kFirst);
    given(kSecond);
  }
  void first_dies(int exit_code) {
    Outcome outcome;
    outcome.task = TaskId(0);
    outcome.state = State::failed;
    outcome.exit_code = exit_code;
    arrive(kFirst, Report{kEpoch, {{encode(outcome), -1}}, {}});
  }
};

TEST_F(SignalledTaskTest, HasFailedWhereNobodyEndsTheRunWithinASecond) {
  first_dies(128 + SIGTERM);
  EXPECT_THAT(delivered, IsEmpty());
  clock.advance(SignalRule::kOneCause);
  turn();
  ASSERT_THAT(delivered, SizeIs(1));
  EXPECT_EQ(delivered[0].state, State::failed);
}

TEST_F(DispatcherTest, WhereNoSignalEndsTheRunATaskThatDiesOfOneHasFailedAtOnce) {
  start(1, {}, {.attempts = 0, .delay = {}, .judged_after = {}});
  turn();
  given(kFirst);
  Outcome outcome = unfinished({TaskId(0), 1}, State::failed, "killed by signal 15 (SIGTERM)");
  outcome.exit_code = 128 + SIGTERM;
  arrive(kFirst, Report{kEpoch, {{encode(outcome), -1}}, {}});
  ASSERT_THAT(delivered, SizeIs(1));
  EXPECT_EQ(delivered[0].state, State::failed);
}

TEST_F(SignalledTaskTest, IsCancelledWhereASignalEndsTheRunToo) {
  first_dies(128 + SIGUSR1);
  dispatcher->drain(Dispatcher::Drain::for_now);
  for (const Rank rank : {kFirst, kSecond}) transport.take<Recall>(rank);
  turn();
  ASSERT_THAT(delivered, SizeIs(1));
  EXPECT_EQ(delivered[0].state, State::cancelled);
}

TEST_F(SignalledTaskTest, IsCancelledWhateverElseEndsTheRunAfterASignal) {
  dispatcher->drain(Dispatcher::Drain::for_now);
  for (const Rank rank : {kFirst, kSecond}) transport.take<Recall>(rank);
  dispatcher->drain(Dispatcher::Drain::for_good);
  first_dies(128 + SIGTERM);
  turn();
  ASSERT_THAT(delivered, SizeIs(1));
  EXPECT_EQ(delivered[0].state, State::cancelled);
}

TEST_F(SignalledTaskTest, IsCancelledWhereTheRunWasAboutToEndForGood) {
  for (const auto drain : {Dispatcher::Drain::for_good, Dispatcher::Drain::for_now}) dispatcher->drain(drain);
  for (const Rank rank : {kFirst, kSecond}) transport.take<Recall>(rank);
  first_dies(128 + SIGTERM);
  turn();
  ASSERT_THAT(delivered, SizeIs(1));
  EXPECT_EQ(delivered[0].state, State::cancelled);
}

TEST_F(SignalledTaskTest, IsToldAtOnceWhereTheSignalEndsNoRun) {
  first_dies(128 + SIGSEGV);
  ASSERT_THAT(delivered, SizeIs(1));
  EXPECT_EQ(delivered[0].state, State::failed);
}

TEST_F(SignalledTaskTest, IsToldBeforeTheRunIsStopped) {
  first_dies(128 + SIGTERM);
  dispatcher->stop();
  for (const Rank rank : {kFirst, kSecond}) transport.take<Stop>(rank);
  turn();
  ASSERT_THAT(delivered, SizeIs(1));
  EXPECT_EQ(delivered[0].state, State::failed);
}

TEST_F(DispatcherTest, WhatAnEarlierRunSettledIsCountedAsDoneAndNotGiven) {
  TaskSet settled;
  for (const std::uint64_t task : {0, 2}) settled.insert(TaskId(task));
  start(4, {}, {}, {.left_out = settled});
  turn();
  EXPECT_THAT(given(kFirst), ElementsAre(1));
  EXPECT_THAT(given(kSecond), ElementsAre(3));
  EXPECT_EQ(dispatcher->counts().done, 2U);
  EXPECT_EQ(dispatcher->counts().settled, 2U);
  arrive(kFirst, ended(1));
  arrive(kSecond, ended(3));
  EXPECT_TRUE(dispatcher->finished());
}

TEST_F(DispatcherTest, WhatIsAnotherShardsIsNeitherGivenNorCounted) {
  TaskSet tasks;
  for (const std::uint64_t task : {0, 2, 3, 5}) tasks.insert(TaskId(task));  // 0 is settled, of 0 and 1 and 4
  start(6, {}, {}, {.left_out = tasks, .elsewhere = 3});
  EXPECT_EQ(dispatcher->counts().known, 3U);
  EXPECT_EQ(dispatcher->counts().done, 1U);
  EXPECT_EQ(dispatcher->counts().settled, 1U);
  turn();
  EXPECT_THAT(given(kFirst), ElementsAre(1));
  EXPECT_THAT(given(kSecond), ElementsAre(4));
  arrive(kFirst, ended(1));
  arrive(kSecond, ended(4));
  EXPECT_TRUE(dispatcher->finished());
  EXPECT_EQ(dispatcher->counts().done, 3U);
}

// An outer limit.

// A run that ends 10 s from now. Odd tasks are "long" and take 20 s, even ones "short" and take 1 s.
class OuterLimitTest : public DispatcherTest {
 protected:
  void start_with_limit(std::uint64_t tasks) {
    start(tasks);
    source->label = [](std::uint64_t task) { return task % 2 == 1 ? "long" : "short"; };
    limit_in(10s);
    turn();
  }
  /// Nothing is in flight; a long task is aside, others were never given.
  void start_with_one_aside_and_hold(Dispatcher::Hold hold) {
    start_with_limit(20);
    given_to_both();
    for (const std::uint64_t task : {0, 1}) arrive_ended(kFirst, task);
    for (const std::uint64_t task : {2, 3}) arrive_ended(kSecond, task);
    dispatcher->hold(hold);
    for (const Rank rank : {kFirst, kSecond}) {
      for (const std::uint64_t task : given_to({rank})) arrive_ended(rank, task);
    }
    turn();
    EXPECT_EQ(dispatcher->in_flight(), 0U);
  }
  void limit_in(Duration left) {
    crew->watch().set_outer(OuterLimit{clock.now() + left, "the job ends soon"});
  }
  /// Ended after a time that the test's clock did not take.
  void arrive_ended(Rank from, std::uint64_t task) {
    Outcome outcome;
    outcome.task = TaskId(task);
    outcome.elapsed_s = task % 2 == 1 ? 20 : 1;
    arrive(from, Report{kEpoch, {{encode(outcome), -1}}, {}});
  }
};

TEST_F(OuterLimitTest, WhatCannotBeExpectedToEndBeforeIsNotStarted) {
  start_with_limit(8);
  EXPECT_THAT(given_to_both(), ElementsAre(0, 1, 2, 3)) << "nothing is known of them yet";
  for (const std::uint64_t task : {0, 1}) arrive_ended(kFirst, task);
  for (const std::uint64_t task : {2, 3}) arrive_ended(kSecond, task);
  EXPECT_THAT(given_to_both(), ::testing::UnorderedElementsAre(4, 6));
}

TEST_F(OuterLimitTest, OneTurnSetsNoMoreAsideThanThereMayBe) {
  Durations durations;
  durations.add("long", 20);
  durations.add("short", 1);
  constexpr std::uint64_t kTasks = 5 * Dispatcher::kMostAside;
  start(kTasks, {}, {}, {.durations = durations});
  source->pulled = kTasks - 1;  // as of a batch, nearly all are known at once
  std::uint64_t looked_at = 0;
  source->label = [&](std::uint64_t) {
    ++looked_at;
    return "long";
  };
  limit_in(10s);
  turn();
  EXPECT_EQ(looked_at, Dispatcher::kMostAside);
  EXPECT_THAT(given_to_both(), IsEmpty());
}

TEST_F(OuterLimitTest, TheRunEndsWhenNothingElseIsLeft) {
  start_with_limit(4);
  given_to_both();
  arrive_ended(kFirst, 0);
  arrive_ended(kFirst, 1);
  arrive(kSecond, Returned{kEpoch, {TaskId(3)}});
  EXPECT_FALSE(dispatcher->expired()) << "one executes";
  arrive_ended(kSecond, 2);
  turn();
  ASSERT_TRUE(dispatcher->expired());
  EXPECT_THAT(dispatcher->expired()->what, HasSubstr("the job ends soon; no task that is left"));
  EXPECT_EQ(dispatcher->counts().done, 3U);
  given_to_both();
}

TEST_F(OuterLimitTest, ARunThatIsHeldForNowDoesNotEnd) {
  start_with_one_aside_and_hold(Dispatcher::Hold::for_now);
  EXPECT_FALSE(dispatcher->expired()) << "short ones are left";
  dispatcher->hold(false);
  turn();
  EXPECT_FALSE(dispatcher->expired());
  EXPECT_THAT(given_to_both(), Not(IsEmpty()));
}

TEST_F(OuterLimitTest, ARunEndsWhoseOutcomesWaitForATaskThatWasSetAside) {
  start_with_one_aside_and_hold(Dispatcher::Hold::for_earlier);
  EXPECT_TRUE(dispatcher->expired());
}

TEST_F(OuterLimitTest, WhenNoneFitsWhatWaitsAtWorkersIsTakenBack) {
  start_with_limit(8);
  given_to_both();
  arrive_ended(kFirst, 0);
  given_to_both();
  recalls = 0;
  clock.advance(9500ms);
  turn();
  EXPECT_THAT(given_to_both(), IsEmpty());
  EXPECT_EQ(recalls, 2);
}

TEST_F(OuterLimitTest, AJobThatIsExtendedGetsWhatWasSetAside) {
  start_with_limit(4);
  given_to_both();
  arrive_ended(kFirst, 0);
  arrive_ended(kFirst, 1);
  arrive(kSecond, Returned{kEpoch, {TaskId(3)}});
  EXPECT_THAT(given_to_both(), IsEmpty());
  limit_in(1h);
  turn();
  EXPECT_THAT(given_to_both(), ElementsAre(3));
}

// Workers that are lost.

TEST_F(DispatcherTest, WhereTheJobGoesOnAFailedRanksTasksAreGivenToOthers) {
  start(4);
  turn();
  EXPECT_THAT(all_given(kFirst), ElementsAre(0, 1));
  EXPECT_THAT(all_given(kSecond), ElementsAre(2, 3));
  arrive(kFirst, executing(0, 1s, {}, false));
  transport.fail(kFirst);
  turn();
  ASSERT_THAT(retried, SizeIs(2)) << "what it had, though only one of them was known to execute";
  EXPECT_EQ(retried[0].state, State::lost);
  EXPECT_EQ(retried[0].host, "node1");
  for (const std::uint64_t task : {2, 3}) arrive(kSecond, ended(task));
  EXPECT_THAT(all_given(kSecond), ElementsAre(0, 1));
  for (const std::uint64_t task : {0, 1}) {
    EXPECT_EQ(attempts[TaskId(task)], 2);
    arrive(kSecond, ended(task, State::succeeded, 2));
  }
  EXPECT_TRUE(dispatcher->finished());
  EXPECT_FALSE(dispatcher->expired());
  EXPECT_THAT(delivered, SizeIs(4));
}

TEST_F(DispatcherTest, ALateMessageOfAFailedRankBringsNoLimitBack) {
  start(2);
  turn();
  for (const Rank rank : {kFirst, kSecond}) given(rank);
  transport.fail(kFirst);
  turn();
  EXPECT_THAT(given(kSecond), ElementsAre(0));
  arrive(kFirst, executing(0, 1s, 3s, false));
  clock.advance(2 * Limits{}.lost_after);
  arrive(kSecond, Report{kEpoch, {}, {}});
  EXPECT_FALSE(dispatcher->expired());
}

TEST_F(DispatcherTest, WithoutAnyWorkerTheRunEnds) {
  start(4);
  turn();
  EXPECT_THAT(all_given(kFirst), ElementsAre(0, 1));
  EXPECT_THAT(all_given(kSecond), ElementsAre(2, 3));
  transport.fail(kFirst);
  transport.fail(kSecond);
  turn();
  ASSERT_TRUE(dispatcher->expired());
  EXPECT_EQ(dispatcher->expired()->kind, Kind::lost);
  dispatcher->stop();
  EXPECT_TRUE(dispatcher->stopped());
}

TEST_F(DispatcherTest, WhatASilentWorkerHadIsToldAsLost) {
  start(4);
  turn();
  EXPECT_THAT(all_given(kFirst), ElementsAre(0, 1));
  EXPECT_THAT(all_given(kSecond), ElementsAre(2, 3));
  arrive(kFirst, executing(0, 2s, {}, false));
  dispatcher->stop();
  for (const Rank rank : {kFirst, kSecond}) transport.take<Stop>(rank);
  arrive(kSecond, Stopped{kEpoch, true});
  EXPECT_FALSE(dispatcher->stopped());
  clock.advance(1s);
  dispatcher->write_off_silent("it was silent", clock.now());
  ASSERT_THAT(delivered, SizeIs(2));
  EXPECT_EQ(delivered[0].task, TaskId(0));
  EXPECT_EQ(delivered[0].state, State::lost);
  EXPECT_EQ(delivered[0].error, "it was silent");
  EXPECT_NEAR(delivered[0].elapsed_s, 3, 0.01);
  EXPECT_EQ(delivered[1].task, TaskId(1));
  EXPECT_EQ(delivered[1].elapsed_s, 0);
  dispatcher->write_off_silent("again", clock.now());
  EXPECT_THAT(delivered, SizeIs(2));
  arrive(kFirst, Stopped{kEpoch, true});
  EXPECT_TRUE(dispatcher->stopped()) << "the first one alone had not answered";
}

TEST_F(DispatcherTest, ALateOutcomeIsNotDelivered) {
  start(2);
  turn();
  given(kFirst);
  given(kSecond);
  arrive(kFirst, ended(0));
  arrive(kFirst, ended(0));
  arrive(kFirst, ended(1));
  EXPECT_THAT(delivered, SizeIs(1));
}

TEST_F(DispatcherTest, MessagesOfAnotherRunAreDropped) {
  start(2);
  turn();
  given(kFirst);
  given(kSecond);
  Report old = ended(0);
  old.epoch = kEpoch - 1;
  arrive(kFirst, old);
  arrive(kFirst, Returned{kEpoch - 1, {TaskId(0)}});
  EXPECT_THAT(delivered, IsEmpty());
  dispatcher->stop();
  transport.take<Stop>(kFirst);
  transport.take<Stop>(kSecond);
  arrive(kFirst, Stopped{kEpoch - 1, true});
  arrive(kSecond, Stopped{kEpoch - 1, true});
  EXPECT_FALSE(dispatcher->stopped());
}

TEST_F(DispatcherTest, WhatWaitsAtOneWorkerIsRecalledForAnIdleOne) {
  start(4);
  turn();
  EXPECT_THAT(given(kFirst), ElementsAre(0, 1));
  EXPECT_THAT(given(kSecond), ElementsAre(2));
  EXPECT_THAT(given(kSecond), ElementsAre(3));
  arrive(kSecond, ended(2));
  arrive(kSecond, ended(3));
  EXPECT_EQ(transport.take<Recall>(kFirst).count, 1U);
  arrive(kFirst, Returned{kEpoch, {TaskId(1)}});
  EXPECT_THAT(given(kSecond), ElementsAre(1));
}

// The source.

TEST_F(DispatcherTest, AnEndlessSourceIsPulledOnlyAFewTasksAhead) {
  start(~std::uint64_t{0});
  turn();
  for (std::uint64_t task = 0; task < 50; ++task) {
    EXPECT_LE(source->pulled, dispatcher->counts().done + 100);
    const Rank rank = transport.has(kFirst) ? kFirst : kSecond;
    for (const std::uint64_t one : given(rank)) arrive(rank, ended(one));
  }
  while (transport.has(kFirst)) given(kFirst);
  while (transport.has(kSecond)) given(kSecond);
  EXPECT_FALSE(dispatcher->finished());
}

TEST_F(DispatcherTest, ALargeTaskIsTheLastOfItsMessage) {
  start(100);
  source->padding.assign(Dispatcher::kBytesPerMessage, 'x');
  turn();
  for (const Rank rank : {kFirst, kSecond}) {
    while (transport.has(rank)) EXPECT_THAT(given(rank), SizeIs(1));
  }
}

TEST_F(DispatcherTest, AMessageIsClosedWhenItsTasksTogetherAreLarge) {
  start(10'000);
  turn();
  std::vector<std::uint64_t> tasks = given(kFirst);
  given(kSecond);
  while (tasks.size() < 10) {  // small ones, more and more in a message
    for (const std::uint64_t one : std::exchange(tasks, {}))
      arrive(kFirst, ended(one, State::succeeded, 1, -1, 1e-6));
    tasks = all_given(kFirst);
  }
  source->padding.assign(Dispatcher::kMessageBytes / 4, 'x');
  for (const std::uint64_t one : tasks) arrive(kFirst, ended(one, State::succeeded, 1, -1, 1e-6));
  EXPECT_THAT(given(kFirst), SizeIs(AllOf(Gt(1U), Le(4U))));
  all_given(kFirst);
  all_given(kSecond);
}

TEST_F(DispatcherTest, ALargeValueIsTakenFromItsMessage) {
  start(2);
  turn();
  all_given(kFirst);
  all_given(kSecond);
  Outcome outcome;
  outcome.task = TaskId(1);
  outcome.value = std::string(100'000, 'v');
  Bytes message = encode(encode_large(outcome), -1, Report{kEpoch, {}, {}});
  const char* const place = message.data();
  transport.arrive(std::move(message), kSecond);
  turn();
  ASSERT_THAT(delivered, SizeIs(1));
  EXPECT_EQ(delivered[0].task, TaskId(1));
  EXPECT_EQ(delivered[0].rank, kSecond);
  EXPECT_TRUE(delivered[0].value == outcome.value);
  EXPECT_EQ(delivered[0].value.data(), place) << "without a copy";
}

TEST_F(DispatcherTest, ACancelIsPassedToTheWorkerAndItsTaskIsNotTriedAgain) {
  start(2, {}, {.attempts = 3, .delay = {}});
  turn();
  EXPECT_THAT(given(kFirst), ElementsAre(0));
  EXPECT_THAT(given(kSecond), ElementsAre(1));
  EXPECT_TRUE(dispatcher->cancel(TaskId(1)));
  EXPECT_EQ(transport.take<Cancel>(kSecond).task, TaskId(1));
  arrive(kSecond, ended(1, State::cancelled));
  ASSERT_THAT(delivered, SizeIs(1));
  EXPECT_EQ(delivered[0].state, State::cancelled);
}

TEST_F(DispatcherTest, ATaskThatIsCancelledBeforeItIsGivenNeverIs) {
  start(3);
  dispatcher->hold(true);
  turn();
  EXPECT_FALSE(dispatcher->cancel(TaskId(0)));
  dispatcher->hold(false);
  turn();
  ASSERT_THAT(delivered, SizeIs(1));
  EXPECT_EQ(delivered[0].task, TaskId(0));
  EXPECT_EQ(delivered[0].state, State::cancelled);
  EXPECT_THAT(given(kFirst), ElementsAre(1));
  EXPECT_THAT(given(kSecond), ElementsAre(2));
  arrive(kFirst, ended(1));
  arrive(kSecond, ended(2));
  EXPECT_TRUE(dispatcher->finished());
}

TEST_F(DispatcherTest, WhileHeldNothingIsGiven) {
  start(4);
  dispatcher->hold(true);
  turn();
  EXPECT_FALSE(transport.has(kFirst));
  dispatcher->hold(false);
  turn();
  for (const Rank rank : {kFirst, kSecond}) {
    while (transport.has(rank)) given(rank);
  }
  dispatcher->hold(true);
  arrive(kFirst, ended(0));
  EXPECT_THAT(delivered, SizeIs(1)) << "outcomes are taken all the same";
}

// Limits.

class DispatcherLimitTest : public DispatcherTest {
 protected:
  void start_with(const Limits& limits) {
    start(6, limits);
    turn();
    given(kFirst);
    given(kSecond);
  }
  void expect_end(Kind kind) {
    ASSERT_TRUE(dispatcher->expired());
    EXPECT_EQ(dispatcher->expired()->kind, kind);
    arrive(kFirst, ended(0));
    EXPECT_THAT(delivered, SizeIs(1)) << "what finished is taken in";
    transport.expect_empty();
  }
};

TEST_F(DispatcherLimitTest, ATaskThatOverranEndsTheRunAndIsNamedWithRankAndHost) {
  start_with({});
  arrive(kSecond, executing(2, 3s, 3s, true));
  ASSERT_TRUE(dispatcher->expired());
  EXPECT_EQ(dispatcher->expired()->what, "task 2 reached its limit of 3.0 s on rank 2 (node2)");
  expect_end(Kind::task);
}

TEST_F(DispatcherLimitTest, ATaskThatOverranAndWasTakenAwayMeanwhileDoesNotEndTheRun) {
  start_with({});
  arrive(kSecond, executing(0, 3s, 3s, true));
  EXPECT_FALSE(dispatcher->expired());
}

TEST_F(DispatcherLimitTest, AWorkerThatDoesNotTellEndsTheRunASecondAfterItsTasksLimit) {
  start_with({});
  arrive(kSecond, executing(2, 20ms, 3s, false));
  clock.advance(3s - 20ms + 1s - 1ns);
  turn();
  EXPECT_FALSE(dispatcher->expired());
  clock.advance(1ns);
  turn();
  expect_end(Kind::task);
}

TEST_F(DispatcherLimitTest, AStallEndsTheRun) {
  Limits limits;
  limits.stall = 5s;
  start_with(limits);
  clock.advance(5s - 1ns);
  arrive(kFirst, executing(0, 5s, {}, false));
  EXPECT_FALSE(dispatcher->expired());
  clock.advance(1ns);
  turn();
  expect_end(Kind::stall);
}

TEST_F(DispatcherLimitTest, AnOutcomeThatArrivesWithTheLimitPutsTheStallOff) {
  Limits limits;
  limits.stall = 5s;
  start_with(limits);
  clock.advance(5s);
  arrive(kFirst, ended(0));
  EXPECT_FALSE(dispatcher->expired());
  given(kFirst);
}

TEST_F(DispatcherLimitTest, TheDeadlineEndsTheRun) {
  Limits limits;
  limits.deadline = 5s;
  start_with(limits);
  clock.advance(5s);
  turn();
  expect_end(Kind::deadline);
}

TEST_F(DispatcherLimitTest, ASilentWorkerEndsTheRun) {
  start_with({});
  clock.advance(Limits{}.lost_after + 1s);
  arrive(kFirst, Report{kEpoch, {}, {}});
  ASSERT_TRUE(dispatcher->expired());
  EXPECT_EQ(dispatcher->expired()->rank, kSecond);
  EXPECT_THAT(dispatcher->expired()->what, AllOf(HasSubstr("rank 2"), HasSubstr("node2")));
  expect_end(Kind::lost);
}

TEST_F(DispatcherLimitTest, BeforeAnythingIsGivenTheDeadlineHoldsAndTheStallDoesNot) {
  Limits limits;
  limits.deadline = 20s;
  limits.stall = 5s;
  start(2, limits);
  dispatcher->hold(true);
  clock.advance(19s);
  turn();
  EXPECT_FALSE(dispatcher->expired());
  clock.advance(1s);
  turn();
  EXPECT_EQ(dispatcher->expired()->kind, Kind::deadline);
}

// Runs with a stall limit of 5 s whose workers have ended what they had.
class IdleDispatcherTest : public DispatcherTest {
 protected:
  void end_all_given(Dispatcher::Hold hold, std::uint64_t gives = 100) {
    Limits limits;
    limits.stall = 5s;
    start(100, limits);
    source->most = gives;
    turn();
    dispatcher->hold(hold);
    for (const Rank rank : {kFirst, kSecond}) {
      for (const std::uint64_t task : all_given(rank)) transport.arrive(ended(task), rank);
    }
    turn();
    EXPECT_EQ(dispatcher->in_flight(), 0U);
  }
  void idle(Duration span) {
    for (const TimePoint end = clock.now() + span; clock.now() < end;) {
      clock.advance(100ms);
      crew->watch().on_turn(clock.now());
      for (const Rank rank : {kFirst, kSecond}) transport.arrive(Report{kEpoch, {}, {}}, rank);
      turn();
    }
  }
  void expect_its_stall() {
    for (const Rank rank : {kFirst, kSecond}) all_given(rank);
    idle(4900ms);
    EXPECT_FALSE(dispatcher->expired());
    idle(100ms);
    ASSERT_TRUE(dispatcher->expired());
    EXPECT_EQ(dispatcher->expired()->kind, Kind::stall);
  }
};

TEST_F(IdleDispatcherTest, DoesNotStallWhileItsCallerTakesNoResults) {
  end_all_given(Dispatcher::Hold::for_caller);
  idle(20s);
  EXPECT_FALSE(dispatcher->expired());
  dispatcher->hold(Dispatcher::Hold::none);
  turn();
  EXPECT_GT(dispatcher->in_flight(), 0U);
  expect_its_stall();
}

TEST_F(IdleDispatcherTest, DoesNotStallWhileItsSourceGivesNoTasks) {
  end_all_given(Dispatcher::Hold::none, 4);
  idle(20s);
  EXPECT_FALSE(dispatcher->expired());
  source->most = 100;
  turn();
  EXPECT_GT(dispatcher->in_flight(), 0U);
  expect_its_stall();
}

TEST_F(IdleDispatcherTest, StallsWhileNobodyReadsWhatTheTasksWrote) {
  end_all_given(Dispatcher::Hold::for_now);
  idle(4900ms);
  EXPECT_FALSE(dispatcher->expired());
  idle(100ms);
  ASSERT_TRUE(dispatcher->expired());
  EXPECT_EQ(dispatcher->expired()->kind, Kind::stall);
}

TEST_F(IdleDispatcherTest, StallsWhereATaskRunsThoughItsCallerTakesNoResults) {
  Limits limits;
  limits.stall = 5s;
  start(2, limits);
  turn();
  dispatcher->hold(Dispatcher::Hold::for_caller);
  expect_its_stall();
}

TEST_F(DispatcherLimitTest, ARunThatIsFinishedHasNotReachedItsLimit) {
  Limits limits;
  limits.deadline = 5s;
  start(1, limits);
  turn();
  given(kFirst);
  clock.advance(5s);
  arrive(kFirst, ended(0));
  EXPECT_TRUE(dispatcher->finished());
  EXPECT_FALSE(dispatcher->expired());
}

TEST_F(DispatcherLimitTest, AFailureAfterTheLimitIsFinal) {
  start(2, {}, {.attempts = 3});
  turn();
  given(kFirst);
  given(kSecond);
  arrive(kSecond, executing(1, 3s, 3s, true));
  arrive(kSecond, ended(1, State::timed_out));
  ASSERT_THAT(delivered, SizeIs(1));
  EXPECT_EQ(delivered[0].state, State::timed_out);
}

TEST_F(DispatcherLimitTest, OutstandingAreTheTasksThatExecuteWithWhereAndForHowLong) {
  start_with({});
  arrive(kFirst, executing(0, 1s, {}, false));
  arrive(kSecond, executing(2, 20ms, {}, false));
  clock.advance(2s);
  auto outstanding = dispatcher->outstanding(clock.now());
  ASSERT_THAT(outstanding, SizeIs(2));
  EXPECT_EQ(outstanding[0].task, 0U);
  EXPECT_EQ(outstanding[0].rank, 1);
  EXPECT_EQ(outstanding[0].host, "node1");
  EXPECT_DOUBLE_EQ(outstanding[0].running.count(), 3);
  arrive(kSecond, ended(2));
  given(kSecond);
  outstanding = dispatcher->outstanding(clock.now());
  EXPECT_THAT(outstanding, SizeIs(1));
}

// The end.

class DispatcherStopTest : public DispatcherTest {
 protected:
  void SetUp() override {
    start(6, {}, {.attempts = 3});
    turn();
    given(kFirst);
    given(kSecond);
    dispatcher->stop();
    dispatcher->stop();
    for (const Rank rank : {kFirst, kSecond}) EXPECT_EQ(transport.take<Stop>(rank).epoch, kEpoch);
    transport.expect_empty();
  }
};

TEST_F(DispatcherStopTest, IsStoppedWhenEveryWorkerHasAnswered) {
  EXPECT_FALSE(dispatcher->stopped());
  arrive(kFirst, Stopped{kEpoch, true});
  EXPECT_FALSE(dispatcher->stopped());
  arrive(kSecond, Stopped{kEpoch, true});
  EXPECT_TRUE(dispatcher->stopped());
  EXPECT_TRUE(dispatcher->stopped_cleanly());
}

TEST_F(DispatcherStopTest, ATaskThatCouldNotBeEndedIsTold) {
  arrive(kFirst, Stopped{kEpoch, false});
  arrive(kSecond, Stopped{kEpoch, true});
  EXPECT_TRUE(dispatcher->stopped());
  EXPECT_FALSE(dispatcher->stopped_cleanly());
}

TEST_F(DispatcherStopTest, WhatFinishedIsDeliveredAndNothingIsGivenOrTriedAgain) {
  arrive(kFirst, ended(0));
  arrive(kSecond, ended(2, State::cancelled));
  EXPECT_THAT(delivered, SizeIs(2));
}

TEST_F(DispatcherTest, TheNextRunOnTheSameCrewBeginsAfresh) {
  Limits limits;
  limits.stall = 5s;
  start(2, limits);
  turn();
  given(kFirst);
  given(kSecond);
  arrive(kFirst, executing(0, 1s, 3s, false));
  NumberedTasks next(1);
  const Begin begin{kEpoch + 1, {}, false, false, false, {}};
  crew->watch().restart(limits, clock.advance(100s));
  Dispatcher second(*crew, next, begin, {}, {.on_last = [](Ended&&) {}});
  transport.take<Begin>(kFirst);
  transport.take<Begin>(kSecond);
  second.hold(true);
  transport.arrive(Report{kEpoch, {}, {}}, kFirst);
  transport.arrive(Report{kEpoch, {}, {}}, kSecond);
  second.turn(clock.now());
  EXPECT_FALSE(second.expired());
  EXPECT_THAT(second.outstanding(clock.now()), IsEmpty());
}

TEST_F(DispatcherTest, TheNextRunGivesNothingToAWorkerThatFailedInThisOne) {
  start(2);
  turn();
  for (const Rank rank : {kFirst, kSecond}) given(rank);
  transport.fail(kFirst);
  turn();
  EXPECT_THAT(given(kSecond), ElementsAre(0)) << "in this one";
  NumberedTasks next(3);
  const Begin begin{kEpoch + 1, {}, false, false, false, {}};
  Dispatcher second(*crew, next, begin, {}, {.on_last = [](Ended&&) {}});
  transport.take<Begin>(kSecond);
  second.turn(clock.now());
  EXPECT_EQ(test::orders_of(transport.take<Give>(kSecond)).size(), 2U);
  EXPECT_FALSE(second.expired());
  transport.fail(kSecond);
  second.turn(clock.now());
  Dispatcher third(*crew, next, begin, {}, {.on_last = [](Ended&&) {}});
  third.turn(clock.now());
  ASSERT_TRUE(third.expired()) << "nobody is left";
  EXPECT_EQ(third.expired()->kind, Kind::lost);
}

// Much at once.

TEST_F(DispatcherTest, WhoSendsMoreThanATurnTakesDoesNotKeepItFromGoingOn) {
  start(10);
  turn();
  const std::uint64_t first = given(kFirst).front();
  for (std::size_t i = 0; i < Dispatcher::kTurnBytes / Dispatcher::kLeastBytes; ++i)
    transport.arrive(Report{kEpoch, {}, {}}, kSecond);
  transport.arrive(ended(first), kFirst);
  turn();
  EXPECT_THAT(delivered, IsEmpty()) << "it is behind what one turn takes";
  turn();
  EXPECT_THAT(delivered, SizeIs(1));
  for (const Rank rank : {kFirst, kSecond}) all_given(rank);
}

TEST_F(DispatcherTest, ATurnTakesNoMoreThanOnePieceOfALargeMessage) {
  start(10);
  turn();
  const std::uint64_t first = given(kFirst).front();
  for (int i = 0; i < 3; ++i) transport.arrive_piece(kSecond);
  transport.arrive(ended(first), kFirst);
  for (std::size_t left : {3U, 2U, 1U}) {
    EXPECT_TRUE(turn());
    EXPECT_EQ(transport.waiting(), left);
  }
  turn();
  EXPECT_THAT(delivered, SizeIs(1));
  for (const Rank rank : {kFirst, kSecond}) all_given(rank);
}

TEST_F(DispatcherTest, NothingMoreIsTakenInATurnBehindALargeMessage) {
  start(10);
  turn();
  const std::uint64_t first = given(kFirst).front();
  const std::uint64_t second = given(kSecond).front();
  Outcome large;
  large.task = TaskId(first);
  large.value = Bytes(Dispatcher::kBytesPerMessage, 'x');
  transport.arrive(Report{kEpoch, {{test::kept(encode(large)), -1}}, {}}, kFirst);
  transport.arrive(ended(second), kSecond);
  turn();
  EXPECT_THAT(delivered, SizeIs(1));
  turn();
  EXPECT_THAT(delivered, SizeIs(2));
  for (const Rank rank : {kFirst, kSecond}) all_given(rank);
}

// 1 MB is more than a message's, so each goes out alone, and another one waits behind it.
TEST_F(DispatcherTest, TasksWithLargeOutcomesGoOutInSmallBatches) {
  start(1000);
  turn();
  for (int i = 0; i < 30; ++i) {
    for (const Rank rank : {kFirst, kSecond}) {
      for (const std::uint64_t task : all_given(rank)) {
        Outcome outcome;
        outcome.task = TaskId(task);
        outcome.attempt = 1;
        outcome.state = State::succeeded;
        outcome.elapsed_s = 1e-6;
        outcome.value = Bytes(1'000'000, 'x');
        transport.arrive(Report{kEpoch, {{test::kept(encode(outcome)), -1}}, {}}, rank);
      }
    }
    turn();
    EXPECT_LE(dispatcher->in_flight(), 4U);
  }
  EXPECT_GT(delivered.size(), 20U);
  for (const Rank rank : {kFirst, kSecond}) all_given(rank);
}

}  // namespace
