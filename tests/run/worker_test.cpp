#include "run/worker.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <thread>
#include <vector>

#include "core/outcome.hpp"
#include "parrun/task.hpp"
#include "support/batches.hpp"
#include "support/fake_body.hpp"
#include "support/fake_transport.hpp"
#include "support/manual_clock.hpp"
#include "support/orders.hpp"
#include "support/wait_until.hpp"

namespace {

using namespace std::chrono_literals;
using namespace parrun;
using parrun::test::command;
using parrun::test::FakeBody;
using parrun::test::FakeTransport;
using parrun::test::ManualClock;
using parrun::test::wait_until;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

int worker_pid() { return getpid(); }
PARRUN_TASK(worker_pid);

constexpr Rank kDispatcher{0};
constexpr std::uint32_t kRunEpoch = 2;

// A worker whose executor and dispatcher are played by the test; time passes when the test says so.
class WorkerTest : public ::testing::Test {
 protected:
  explicit WorkerTest(bool killable = true) : body(new FakeBody(killable)) {}
  void SetUp() override {
    turn();
    transport.take<Report>(kDispatcher);  // the first heartbeat
  }

  void begin(std::optional<Duration> timeout = {}, bool kill_overrunning = false) {
    transport.arrive(Begin{kRunEpoch, timeout, false, false, kill_overrunning, {}});
  }
  void give(std::vector<std::uint64_t> tasks, const TaskSpec& spec = command("true")) {
    const Bytes payload = encode(spec);
    std::vector<AttemptOrder> orders;
    for (const std::uint64_t task : tasks) orders.push_back({{TaskId(task)}, payload});
    transport.arrive(test::give_of(kRunEpoch, orders));
  }
  bool turn() { return worker.turn(clock.now()); }
  /// As it does when nothing happens; its heartbeats are taken.
  void turn_for(Duration span) {
    for (const TimePoint end = clock.now() + span; clock.now() < end; clock.advance(100ms)) {
      turn();
      while (transport.has(kDispatcher)) take_report();
    }
  }
  void execute_next() {
    ASSERT_TRUE(body->begin_next(clock.now()));
    body->finish();
  }
  Report take_report() { return transport.take<Report>(kDispatcher); }
  /// The tasks that the next report says have finished.
  std::vector<std::uint64_t> finished() {
    std::vector<std::uint64_t> tasks;
    for (const auto& one : take_report().finished) tasks.push_back(decode_outcome(one.outcome).task.get());
    return tasks;
  }
  /// Lets time pass until just before the limit, and looks: nothing but heartbeats leaves.
  void pass_quietly(Duration span) {
    clock.advance(span);
    turn();
    while (transport.has(kDispatcher)) {
      const Report heartbeat = take_report();
      EXPECT_THAT(heartbeat.finished, IsEmpty());
      EXPECT_FALSE(heartbeat.executing && heartbeat.executing->overran);
    }
  }

  ManualClock clock;
  FakeTransport transport{Rank(1), 2};
  FakeBody* body;
  Executor processes{std::unique_ptr<ExecutorBody>(body)};
  Worker worker{transport, &processes};
};

TEST_F(WorkerTest, SaysWhoIsHere) {
  worker.greet({"node1", 99, "", {"f int()"}});
  EXPECT_EQ(transport.take<Hello>(kDispatcher).host, "node1");
}

TEST_F(WorkerTest, PreparesAnExecutorBeforeThereIsATask) {
  turn();
  EXPECT_EQ(body->starts, 0);
  transport.arrive(Prepare{});
  turn();
  EXPECT_EQ(body->starts, 1);
  begin();
  give({0});
  turn();
  EXPECT_EQ(body->starts, 1);
}

TEST_F(WorkerTest, KeepsASharedValueForItsExecutorUntilItIsReleased) {
  begin();
  give({0});
  turn();
  transport.arrive(ShareBytes{7, 3, 0, "ab"});
  turn();
  EXPECT_FALSE(transport.has(kDispatcher));
  transport.arrive(ShareBytes{7, 3, 2, "c"});
  turn();
  const auto answer = transport.take<ShareReady>(kDispatcher);
  EXPECT_EQ(answer.problem, "");
  EXPECT_EQ(body->shares()->find(7), answer.place);
  transport.arrive(ShareAt{8, answer.place});
  turn();
  EXPECT_EQ(transport.take<ShareReady>(kDispatcher).id, 8U);
  EXPECT_EQ(body->shares()->find(8), answer.place);
  transport.arrive(Unshare{7});
  turn();
  EXPECT_FALSE(body->shares()->find(7));
  execute_next();
  EXPECT_FALSE(body->begin_next(clock.now()));
  EXPECT_EQ(body->releases, 1);
  turn();
  take_report();
}

TEST_F(WorkerTest, LeavesNothingSharedToTheNextPoolOfItsExecutor) {
  transport.arrive(ShareBytes{7, 3, 0, "abc"});
  turn();
  transport.take<ShareReady>(kDispatcher);
  transport.arrive(Bye{});
  turn();
  transport.take<Farewell>(kDispatcher);
  EXPECT_FALSE(body->shares()->find(7));
}

TEST_F(WorkerTest, ReportsEachOutcomeAtOnceThoughMoreTasksWait) {
  begin();
  give({0, 1, 2});
  EXPECT_TRUE(turn());
  for (const std::uint64_t task : {0, 1, 2}) {
    clock.advance(Worker::kCollect);
    execute_next();
    EXPECT_TRUE(turn());
    EXPECT_THAT(finished(), ElementsAre(task));
  }
  EXPECT_FALSE(turn());
}

TEST_F(WorkerTest, CollectsOutcomesThatFollowAReportForAMomentWhileMoreTasksWait) {
  begin();
  give({0, 1, 2, 3});
  turn();
  clock.advance(Worker::kCollect);
  execute_next();
  turn();
  EXPECT_THAT(finished(), ElementsAre(0));
  clock.advance(Worker::kCollect / 2);
  execute_next();
  turn();
  transport.expect_empty();
  clock.advance(Worker::kCollect / 2);
  turn();
  EXPECT_THAT(finished(), ElementsAre(1)) << "though the next task runs";
  execute_next();
  execute_next();
  turn();
  EXPECT_THAT(finished(), ElementsAre(2, 3)) << "nothing is left: there is nothing to wait for";
}

TEST_F(WorkerTest, SleepsThroughEndsAsLongAsItCollectsAndMoreTasksWait) {
  begin();
  give({0, 1, 2, 3});
  turn();
  execute_next();
  const TimePoint start = Clock::now();
  worker.await(10s);
  EXPECT_GE(Clock::now() - start, Worker::kCollect);
}

TEST_F(WorkerTest, ReportsWhenHalfOfWhatWasAtHandHasEndedThatMoreComesBeforeTheOtherHalfHas) {
  begin();
  give({0, 1, 2, 3, 4, 5, 6});
  turn();
  clock.advance(Worker::kCollect);
  execute_next();
  turn();
  EXPECT_THAT(finished(), ElementsAre(0)) << "long after the last report";
  for (int ended = 0; ended < 2; ++ended) {
    execute_next();
    turn();
    transport.expect_empty();
  }
  execute_next();
  turn();
  EXPECT_THAT(finished(), ElementsAre(1, 2, 3));
}

TEST_F(WorkerTest, ReportsOutcomesThatCameTogetherInOneMessage) {
  begin();
  give({0, 1});
  turn();
  execute_next();
  execute_next();
  turn();
  EXPECT_THAT(finished(), ElementsAre(0, 1));
}

TEST_F(WorkerTest, TellsATasksOwnRetriesWithItsOutcome) {
  TaskSpec spec = command("true");
  spec.retries = 5;
  begin();
  give({0}, spec);
  turn();
  execute_next();
  turn();
  EXPECT_EQ(take_report().finished.front().retries, 5);
}

TEST_F(WorkerTest, SendsAHeartbeatEverySecond) {
  clock.advance(Worker::kHeartbeat - 1ns);
  turn();
  EXPECT_FALSE(transport.has(kDispatcher));
  clock.advance(1ns);
  turn();
  EXPECT_FALSE(take_report().executing);
}

TEST_F(WorkerTest, TellsWhatExecutesWhenItTakesLongerAndOnlyOnce) {
  begin(3s);
  give({7});
  turn();
  body->begin_next(clock.now());
  clock.advance(Worker::kWorthTelling - 1ns);
  turn();
  EXPECT_FALSE(transport.has(kDispatcher));
  clock.advance(1ns);
  turn();
  const Report report = take_report();
  ASSERT_TRUE(report.executing);
  EXPECT_EQ(report.epoch, kRunEpoch);
  EXPECT_EQ(report.executing->task, TaskId(7));
  EXPECT_EQ(report.executing->running, Worker::kWorthTelling);
  EXPECT_EQ(report.executing->limit, 3s);
  EXPECT_FALSE(report.executing->overran);
  turn();
}

// Limits.

TEST_F(WorkerTest, TellsAtATasksLimitThatItOverranAndDoesNotKillIt) {
  begin(3s);
  give({7});
  turn();
  body->begin_next(clock.now());
  pass_quietly(3s - 1ns);
  clock.advance(1ns);
  turn();
  const Report report = take_report();
  ASSERT_TRUE(report.executing);
  EXPECT_TRUE(report.executing->overran);
  EXPECT_EQ(report.executing->running, 3s);
  turn();
  EXPECT_FALSE(transport.has(kDispatcher)) << "once is enough";
  EXPECT_EQ(body->kills, 0);
}

TEST_F(WorkerTest, KillsATaskAtItsLimitWhereTheRunGoesOn) {
  begin(3s, true);
  give({7, 8});
  turn();
  body->begin_next(clock.now());
  pass_quietly(3s - 1ns);
  EXPECT_EQ(body->kills, 0);
  clock.advance(1ns);
  turn();
  EXPECT_FALSE(take_report().executing) << "its output may take long to come";
  turn();
  transport.expect_empty();
  EXPECT_EQ(body->kills, 1);
  body->die(SIGKILL);
  clock.advance(Worker::kCollect);
  turn();
  const Outcome outcome = decode_outcome(take_report().finished.at(0).outcome);
  EXPECT_EQ(outcome.task, TaskId(7));
  EXPECT_EQ(outcome.state, State::timed_out);
  EXPECT_EQ(outcome.error, "reached its limit of 3.0 s");
  turn();
  EXPECT_EQ(body->begin_next(clock.now())->task, TaskId(8));
}

TEST_F(WorkerTest, ATasksOwnLimitReplacesTheRuns) {
  TaskSpec spec = command("true");
  spec.timeout = 1s;
  begin(3s, true);
  give({7}, spec);
  turn();
  body->begin_next(clock.now());
  pass_quietly(1s - 1ns);
  EXPECT_EQ(body->kills, 0);
  pass_quietly(1ns);
  EXPECT_EQ(body->kills, 1);
}

TEST_F(WorkerTest, ATasksLimitCountsFromItsStartNotFromItsPlaceInTheQueue) {
  begin(3s, true);
  give({7, 8});
  turn();
  body->begin_next(clock.now());
  pass_quietly(2s);
  body->finish();
  body->begin_next(clock.now());
  turn();
  EXPECT_THAT(finished(), ElementsAre(7));
  pass_quietly(3s - 1ns);
  EXPECT_EQ(body->kills, 0);
  pass_quietly(1ns);
  EXPECT_EQ(body->kills, 1);
}

TEST_F(WorkerTest, ATaskThatHasNotBegunHasNoClock) {
  begin(3s, true);
  give({7});
  turn();
  pass_quietly(1h);
  EXPECT_EQ(body->kills, 0);
}

// Recall and stop.

TEST_F(WorkerTest, GivesBackTheLastOfWhatWaits) {
  begin();
  give({0, 1, 2, 3});
  turn();
  body->begin_next(clock.now());
  transport.arrive(Recall{kRunEpoch, 2});
  turn();
  EXPECT_THAT(transport.take<Returned>(kDispatcher).tasks, ElementsAre(TaskId(3), TaskId(2)));
  transport.arrive(Recall{kRunEpoch, 9});
  turn();
  EXPECT_THAT(transport.take<Returned>(kDispatcher).tasks, ElementsAre(TaskId(1)));
  transport.arrive(Recall{kRunEpoch, 9});
  turn();
  EXPECT_THAT(transport.take<Returned>(kDispatcher).tasks, IsEmpty()) << "every recall is answered";
}

TEST_F(WorkerTest, BeginsNothingAfterASignalUntilTheNextRun) {
  begin();
  give({0, 1, 2});
  turn();
  ASSERT_TRUE(body->begin_next(clock.now()));
  worker.tell({SIGTERM, 0ns});
  EXPECT_EQ(transport.take<Heard>(kDispatcher).signal, SIGTERM);
  body->finish();
  give({3});
  turn();
  EXPECT_THAT(finished(), ElementsAre(0));
  EXPECT_FALSE(body->begin_next(clock.now()));
  transport.arrive(Recall{kRunEpoch, 10});
  turn();
  EXPECT_THAT(transport.take<Returned>(kDispatcher).tasks, ElementsAre(TaskId(3), TaskId(2), TaskId(1)));
  begin();
  give({4});
  turn();
  EXPECT_TRUE(body->begin_next(clock.now()));
}

TEST_F(WorkerTest, AnswersAStopAtOnceWhereNothingExecutes) {
  begin();
  transport.arrive(Stop{kRunEpoch});
  turn();
  const auto stopped = transport.take<Stopped>(kDispatcher);
  EXPECT_EQ(stopped.epoch, kRunEpoch);
  EXPECT_TRUE(stopped.clean);
}

TEST_F(WorkerTest, AtAStopForgetsWhatWaitsEndsWhatExecutesAndTellsItsOutcomeFirst) {
  begin();
  give({0, 1, 2});
  turn();
  body->begin_next(clock.now());
  transport.arrive(Stop{kRunEpoch});
  turn();
  EXPECT_EQ(body->kills, 1);
  body->die(SIGKILL);
  turn();
  const Outcome outcome = decode_outcome(take_report().finished.at(0).outcome);
  EXPECT_EQ(outcome.task, TaskId(0));
  EXPECT_EQ(outcome.state, State::cancelled);
  EXPECT_TRUE(transport.take<Stopped>(kDispatcher).clean);
  turn();
  EXPECT_EQ(body->starts, 1) << "nothing is left to execute";
}

TEST_F(WorkerTest, AtAStopTheTaskThatOverranIsTimedOut) {
  begin(3s);
  give({0});
  turn();
  body->begin_next(clock.now());
  clock.advance(3s);
  turn();
  take_report();
  transport.arrive(Stop{kRunEpoch});
  turn();
  body->die(SIGKILL);
  turn();
  const Outcome outcome = decode_outcome(take_report().finished.at(0).outcome);
  EXPECT_EQ(outcome.state, State::timed_out);
  EXPECT_EQ(outcome.error, "reached its limit of 3.0 s");
  transport.take<Stopped>(kDispatcher);
}

TEST_F(WorkerTest, AnOutcomeThatIsThereAtTheStopIsReportedBeforeTheAnswer) {
  begin();
  give({0});
  turn();
  execute_next();
  transport.arrive(Stop{kRunEpoch});
  turn();
  EXPECT_TRUE(decode_outcome(take_report().finished.at(0).outcome).succeeded());
  transport.take<Stopped>(kDispatcher);
}

TEST_F(WorkerTest, ACancelledTaskThatExecutesIsEndedAndThoseBehindItGoOn) {
  begin();
  give({0, 1});
  turn();
  body->begin_next(clock.now());
  transport.arrive(Cancel{kRunEpoch, TaskId(0)});
  turn();
  EXPECT_EQ(body->kills, 1);
  body->die(SIGKILL);
  clock.advance(Worker::kCollect);
  turn();
  const Outcome outcome = decode_outcome(take_report().finished.at(0).outcome);
  EXPECT_EQ(outcome.state, State::cancelled);
  EXPECT_EQ(outcome.error, "was cancelled");
  EXPECT_EQ(body->begin_next(clock.now())->task, TaskId(1));
}

TEST_F(WorkerTest, ACancelledTaskThatWaitsIsToldAtOnceAndTheOthersStayInOrder) {
  begin();
  give({0, 1, 2, 3});
  turn();
  body->begin_next(clock.now());
  transport.arrive(Cancel{kRunEpoch, TaskId(2)});
  clock.advance(Worker::kCollect);
  turn();
  EXPECT_EQ(body->kills, 0);
  const Outcome outcome = decode_outcome(take_report().finished.at(0).outcome);
  EXPECT_EQ(outcome.task, TaskId(2));
  EXPECT_EQ(outcome.state, State::cancelled);
  for (const std::uint64_t task : {1, 3}) {
    body->finish();
    EXPECT_EQ(body->begin_next(clock.now())->task, TaskId(task));
  }
}

TEST_F(WorkerTest, ACancelledTaskThatHasEndedStaysAsItEnded) {
  begin();
  give({0});
  turn();
  execute_next();
  transport.arrive(Cancel{kRunEpoch, TaskId(0)});
  turn();
  EXPECT_TRUE(decode_outcome(take_report().finished.at(0).outcome).succeeded());
}

// A worker whose tasks cannot be ended.
class UnkillableWorkerTest : public WorkerTest {
 protected:
  UnkillableWorkerTest() : WorkerTest(false) {}
  void stop_with_a_task(Duration patience) {
    begin();
    give({0});
    turn();
    body->begin_next(clock.now());
    transport.arrive(Stop{kRunEpoch, patience});
    turn();
  }
};

TEST_F(UnkillableWorkerTest, SaysSoAtAStopAtOnce) {
  stop_with_a_task({});
  EXPECT_FALSE(transport.take<Stopped>(kDispatcher).clean);
}

TEST_F(UnkillableWorkerTest, SaysSoWhenPatienceIsOver) {
  stop_with_a_task(1s);
  pass_quietly(999ms);
  clock.advance(1ms);
  turn();
  EXPECT_FALSE(transport.take<Stopped>(kDispatcher).clean);
}

TEST_F(UnkillableWorkerTest, LetsATaskEndByItselfMeanwhile) {
  stop_with_a_task(1s);
  pass_quietly(500ms);
  body->finish();
  turn();
  EXPECT_TRUE(decode_outcome(take_report().finished.at(0).outcome).succeeded());
  EXPECT_TRUE(transport.take<Stopped>(kDispatcher).clean);
}

TEST_F(WorkerTest, MessagesOfAnotherRunAreDropped) {
  begin();
  give({0});
  transport.arrive(test::give_of(kRunEpoch - 1, {{{TaskId(5)}, encode(command("true"))}}));
  transport.arrive(Recall{kRunEpoch - 1, 9});
  transport.arrive(Cancel{kRunEpoch - 1, TaskId(0)});
  transport.arrive(Stop{kRunEpoch - 1});
  turn();
  EXPECT_EQ(body->begin_next(clock.now())->task, TaskId(0));
  EXPECT_FALSE(body->begin_next(clock.now()));
}

TEST_F(WorkerTest, WhatIsNoOrderIsRefused) {
  begin();
  transport.arrive(Give{kRunEpoch, "no frame at all"});
  EXPECT_THROW(turn(), FormatError);
  const Bytes other = framed("\2 another kind");
  transport.arrive(Give{kRunEpoch, other});
  EXPECT_THROW(turn(), FormatError);
}

TEST_F(WorkerTest, WhatIsGivenBehindAStopIsDropped) {
  begin();
  transport.arrive(Stop{kRunEpoch});
  give({0});
  turn();
  transport.take<Stopped>(kDispatcher);
  EXPECT_EQ(body->starts, 0);
}

TEST_F(WorkerTest, TheNextRunBeginsAfresh) {
  begin(3s);
  transport.arrive(Stop{kRunEpoch});
  turn();
  transport.take<Stopped>(kDispatcher);
  transport.arrive(Begin{kRunEpoch + 1, {}, false, false, false});
  transport.arrive(test::give_of(kRunEpoch + 1, {{{TaskId(0)}, encode(command("true"))}}));
  turn();
  execute_next();
  turn();
  EXPECT_EQ(take_report().epoch, kRunEpoch + 1);
}

// The end.

TEST_F(WorkerTest, SaysFarewellAndIsFinishedWhenThatHasLeft) {
  transport.set_idle(false);
  transport.arrive(Bye{});
  turn();
  transport.take<Farewell>(kDispatcher);
  EXPECT_FALSE(worker.finished());
  transport.set_idle(true);
  EXPECT_TRUE(worker.finished());
  clock.advance(10s);
  turn();
  EXPECT_FALSE(transport.has(kDispatcher)) << "nothing comes behind a farewell";
}

TEST_F(WorkerTest, TellsWhatHadEndedBeforeItsTrouble) {
  begin();
  give({0});
  turn();
  body->begin_next(clock.now());
  body->finish();
  body->fault = "the executors' parent process is gone";
  turn();
  EXPECT_EQ(transport.take<Report>(kDispatcher).finished.size(), 1U);
  transport.take<Trouble>(kDispatcher);
}

TEST_F(WorkerTest, TellsItsTroubleOnceAndStillLeavesWhenAsked) {
  begin();
  give({0});
  turn();
  body->fault = "the executors' parent process is gone";
  turn();
  EXPECT_EQ(transport.take<Trouble>(kDispatcher).what, "the executors' parent process is gone");
  clock.advance(10s);
  turn();
  transport.arrive(Bye{});
  turn();
  transport.take<Farewell>(kDispatcher);
  EXPECT_TRUE(worker.finished());
}

// Threads.

TEST_F(WorkerTest, IsOrphanedWhenTheDispatcherIsSilentForTooLong) {
  transport.arrive(Begin{.epoch = kRunEpoch, .orphaned_after = 6s});
  turn_for(5900ms);
  EXPECT_FALSE(worker.orphaned(clock.now()));
  transport.arrive(Alive{});
  turn_for(5900ms);
  EXPECT_FALSE(worker.orphaned(clock.now())) << "it was told that rank 0 lives";
  turn_for(200ms);
  EXPECT_TRUE(worker.orphaned(clock.now()));
}

TEST_F(WorkerTest, WhatItCouldNotHearWhileItWasStoppedIsNoSilence) {
  transport.arrive(Begin{.epoch = kRunEpoch, .orphaned_after = 6s});
  turn_for(100ms);
  clock.advance(1h);
  turn_for(5900ms);
  EXPECT_FALSE(worker.orphaned(clock.now()));
  turn_for(200ms);
  EXPECT_TRUE(worker.orphaned(clock.now()));
}

TEST_F(WorkerTest, ADispatcherThatMayBeSilentIsWaitedFor) {
  begin();
  turn_for(100ms);
  clock.advance(1h);
  turn_for(100s);
  EXPECT_FALSE(worker.orphaned(clock.now()));
}

TEST_F(WorkerTest, AfterASignalIsForsakenByADispatcherThatSpeaksNoMoreAndByNoOther) {
  const TimePoint signalled = clock.now();
  const auto forsaken = [&] { return worker.forsaken(signalled, 10s, clock.now()); };
  transport.arrive(Begin{.epoch = kRunEpoch, .grace = 2s});
  turn_for(12s);
  EXPECT_FALSE(forsaken());
  transport.arrive(Alive{});
  turn_for(10s);
  EXPECT_FALSE(forsaken()) << "it was told that rank 0 lives";
  turn_for(200ms);
  EXPECT_TRUE(forsaken());
}

TEST_F(WorkerTest, ATurnTakesNoMoreThanOnePieceOfALargeMessage) {
  begin();
  for (int i = 0; i < 3; ++i) transport.arrive_piece(kDispatcher);
  for (std::size_t left : {2U, 1U, 0U}) {
    EXPECT_TRUE(turn());
    EXPECT_EQ(transport.waiting(), left);
  }
}

std::atomic<bool> thread_may_end{true};
std::atomic<int> thread_begun{0};
std::string worker_fills(std::size_t size) { return std::string(size, 'x'); }
int worker_waits() {
  ++thread_begun;
  while (!thread_may_end) std::this_thread::sleep_for(1ms);
  return 0;
}
PARRUN_TASK(worker_fills);
PARRUN_TASK(worker_waits);

template <typename R>
BytesView payload_of(const Task<R>& task) {
  return test::kept(encode(test::call(task.fields().function, task.fields().arguments)));
}

TEST(ThreadWorker, StoppedTellsOfAllThatHadEndedThoughItsTaskCannotBe) {
  thread_may_end = false;
  FakeTransport transport{Rank(1), 2};
  Worker worker(transport, nullptr);
  transport.arrive(Begin{.epoch = 1, .threads = true});
  std::vector<AttemptOrder> orders;
  for (std::uint64_t i = 0; i < 5; ++i)
    orders.push_back({{TaskId(i)}, payload_of(parrun::task<worker_fills>(std::size_t{70'000}))});
  orders.push_back({{TaskId(5)}, payload_of(parrun::task<worker_waits>())});
  transport.arrive(test::give_of(1, orders));
  worker.turn(Clock::now());
  EXPECT_TRUE(wait_until([] { return thread_begun == 1; }, 30s));
  transport.arrive(Stop{1});
  std::vector<std::uint64_t> finished;
  bool stopped = false;
  EXPECT_TRUE(wait_until(
      [&] {
        worker.turn(Clock::now());
        while (transport.has(kDispatcher)) {
          const FromWorker message = decode_from_worker(test::kept(transport.take(kDispatcher)));
          stopped = stopped || std::holds_alternative<Stopped>(message);
          const auto* large = std::get_if<LargeReport>(&message);
          if (large == nullptr) continue;
          EXPECT_FALSE(stopped);
          finished.push_back(decode_outcome(large->report.finished.at(0).outcome).task.get());
        }
        return stopped;
      },
      30s));
  EXPECT_THAT(finished, ElementsAre(0, 1, 2, 3, 4));
  thread_may_end = true;
}

TEST(ThreadWorker, FunctionsRunInTheRanksProcessAndCommandsDoNot) {
  FakeTransport transport(Rank(1), 2);
  auto* processes = new FakeBody;
  Executor executor{std::unique_ptr<ExecutorBody>(processes)};
  Worker worker(transport, &executor);
  const auto call = task<worker_pid>();
  transport.arrive(Begin{1, {}, true, true, false});
  transport.arrive(
      test::give_of(1, {{{TaskId(0)}, payload_of(call)}, {{TaskId(1)}, encode(command("true"))}}));
  std::vector<Outcome> outcomes;
  const auto turn_until = [&](auto condition) {
    return wait_until(
        [&] {
          worker.turn(Clock::now());
          while (transport.has(kDispatcher)) {
            for (const auto& one : transport.take<Report>(kDispatcher).finished)
              outcomes.push_back(decode_outcome(one.outcome));
          }
          return condition();
        },
        20s);
  };
  ASSERT_TRUE(turn_until([&] { return outcomes.size() == 1; }));
  EXPECT_EQ(outcomes[0].value, std::to_string(getpid()));
  ASSERT_TRUE(turn_until([&] { return processes->starts == 1; }));
  EXPECT_EQ(processes->begin_next(Clock::now())->task, TaskId(1));
  processes->finish();
  EXPECT_TRUE(turn_until([&] { return outcomes.size() == 2; }));
}

}  // namespace
