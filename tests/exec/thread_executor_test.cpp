// Executors that are threads of the worker's process: what is large passes their rings by.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "batch/task_spec.hpp"
#include "core/outcome.hpp"
#include "exec/executor.hpp"
#include "parrun/task.hpp"
#include "support/batches.hpp"
#include "support/children.hpp"
#include "support/given_tasks.hpp"

namespace {

using namespace std::chrono_literals;
using namespace parrun;
using parrun::test::ids_of;
using parrun::test::outcomes_of;
using parrun::test::wait_until;
using ::testing::ElementsAre;

std::atomic<bool> may_end{true};
std::atomic<int> begun{0};
std::atomic<bool> thread_left{false};

struct SaysThatItsThreadLeaves {
  ~SaysThatItsThreadLeaves() { thread_left = true; }
};

std::string thread_cut(std::string text, std::size_t size) {
  text.resize(size, 'r');
  return text;
}
std::size_t thread_waits(const std::string& text) {
  static thread_local const SaysThatItsThreadLeaves says;
  ++begun;
  while (!may_end) std::this_thread::sleep_for(1ms);
  return text.size();
}
std::string thread_makes(std::size_t size) {
  ++begun;
  return std::string(size, 'm');
}
int thread_lasts(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return milliseconds;
}
// An argument that is long in being read.
struct Slow {
  std::string text = std::string(Channel::kLarge + 1, 'x');
  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    if (Archive::is_loading::value) {
      static thread_local const SaysThatItsThreadLeaves says;
      ++begun;
      while (!may_end) std::this_thread::sleep_for(1ms);
    }
    archive& text;
  }
};
std::atomic<std::size_t> read_size{0};
std::size_t thread_reads(const std::string& text, const Slow& slow) {
  const auto count = std::ranges::count(text, 'x') + std::ranges::count(slow.text, 'x');
  return read_size = static_cast<std::size_t>(count);
}
PARRUN_TASK(thread_cut);
PARRUN_TASK(thread_waits);
PARRUN_TASK(thread_makes);
PARRUN_TASK(thread_lasts);
PARRUN_TASK(thread_reads);

class ThreadExecutorTest : public ::testing::Test {
 protected:
  static constexpr auto kBound = 30s;

  void SetUp() override {
    may_end = true;
    begun = 0;
    thread_left = false;
  }
  void TearDown() override { may_end = true; }

  template <typename R>
  static Bytes payload_of(const Task<R>& task) {
    return encode(test::call(task.fields().function, task.fields().arguments));
  }
  template <typename R>
  void give(const Task<R>& task) {
    const Bytes payload = payload_of(task);
    executor->give(given_task({{TaskId(given++)}, payload}));
  }
  /// So many of them in one message: they lie one behind the other, and the thread is told where once.
  template <typename R>
  void give_message(const Task<R>& task, std::size_t count) {
    const Bytes payload = payload_of(task);
    Bytes frames;
    for (std::size_t i = 0; i < count; ++i) frames += encode(AttemptOrder{{TaskId(given++)}, payload});
    const SharedBytes message(std::move(frames));
    for_each_order(message, [&](const AttemptOrder& order, BytesView frame) {
      executor->give(given_task(order, message.part(frame)));
    });
  }
  void turn() { ended = outcomes_of(executor->turn(Clock::now()), std::move(ended)); }
  bool turn_until(auto done) {
    return wait_until(
        [&] {
          turn();
          return done();
        },
        kBound);
  }
  std::string value_of(std::size_t index) const {
    return std::get<0>(detail::from_bytes<std::string>(ended.at(index).value));
  }

  std::unique_ptr<Executor> executor = std::make_unique<Executor>(std::make_unique<ThreadBody>());
  std::vector<Outcome> ended;
  std::uint64_t given = 0;
};

TEST_F(ThreadExecutorTest, LargeAndSmallOnesEndInTheirOrderEachWithItsOwnValue) {
  const std::vector<std::size_t> sizes{0,
                                       1,
                                       Channel::kLarge - 1,
                                       Channel::kLarge,
                                       Channel::kLarge + 1,
                                       Channel::kLargeValue,
                                       Channel::kLargeValue + 1,
                                       1'000'000,
                                       Handover::kMost + 1};
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const std::size_t in = sizes[(i * 3 + static_cast<std::size_t>(round)) % sizes.size()];
      give(task<thread_cut>(std::string(in, static_cast<char>('a' + round)), sizes[i]));
    }
  }
  ASSERT_TRUE(turn_until([&] { return ended.size() == given; }));
  for (std::size_t at = 0; at < ended.size(); ++at) {
    const std::size_t round = at / sizes.size();
    const std::size_t i = at % sizes.size();
    ASSERT_EQ(ended[at].task, TaskId(at));
    ASSERT_TRUE(ended[at].succeeded()) << ended[at].error;
    std::string expected(sizes[(i * 3 + round) % sizes.size()], static_cast<char>('a' + round));
    expected.resize(sizes[i], 'r');
    ASSERT_TRUE(value_of(at) == expected) << at;
  }
}

TEST_F(ThreadExecutorTest, ALargeOutcomeIsTheLastOfItsTurn) {
  const std::vector<std::size_t> sizes{1, Channel::kLargeValue + 1, Channel::kLargeValue + 1, 1, 1'000'000};
  for (const std::size_t size : sizes) give(task<thread_cut>("", size));
  std::vector<std::size_t> large;  // the tasks that had ended with it, and before
  ASSERT_TRUE(wait_until(
      [&] {
        const EndedTasks some = executor->turn(Clock::now());
        ended = outcomes_of(some, std::move(ended));
        if (const auto* last = some.large()) {
          large.push_back(ended.size());
          EXPECT_EQ(last->outcome.value(), ended.back().value);
        }
        return ended.size() == given;
      },
      kBound));
  EXPECT_THAT(large, ElementsAre(2, 3, 5));
}

TEST_F(ThreadExecutorTest, OwesWhatHasEndedUntilItIsTaken) {
  may_end = false;
  for (int i = 0; i < 5; ++i) give(task<thread_cut>("", Channel::kLargeValue + 1));
  give(task<thread_waits>(""));
  EXPECT_FALSE(executor->owes());
  turn();
  ASSERT_TRUE(wait_until([] { return begun == 1; }, kBound));
  while (executor->owes()) {
    const std::size_t before = ended.size();
    turn();
    ASSERT_EQ(ended.size(), before + 1);
  }
  EXPECT_EQ(ended.size(), 5U);
}

TEST_F(ThreadExecutorTest, LargeTasksThatHaveNotStartedAreTakenBack) {
  may_end = false;
  for (int i = 0; i < 4; ++i) give(task<thread_waits>(std::string(Channel::kLarge + 1, 'x')));
  ASSERT_TRUE(turn_until([&] { return begun == 1; }));
  EXPECT_THAT(ids_of(executor->take_back(2)), ElementsAre(TaskId(3), TaskId(2)));
  may_end = true;
  ASSERT_TRUE(turn_until([&] { return ended.size() == 2; }));
  EXPECT_TRUE(ended[1].succeeded());
  EXPECT_FALSE(executor->has_tasks());
  EXPECT_EQ(begun, 2);
}

TEST_F(ThreadExecutorTest, WhatWasTakenBackIsNotReadAnyMore) {
  const auto waits = task<thread_waits>(std::string(1000, 'x'));
  may_end = false;
  give_message(waits, 2);
  give_message(waits, 3);
  ASSERT_TRUE(turn_until([&] { return begun == 1; }));
  EXPECT_EQ(executor->take_back(3).size(), 3U);
  std::vector<std::string> in_their_place;
  for (int i = 0; i < 100; ++i) in_their_place.emplace_back(3 * 1000, 'y');
  give_message(waits, 2);
  may_end = true;
  ASSERT_TRUE(turn_until([&] { return ended.size() == 4; }));
  std::vector<std::uint64_t> tasks;
  for (const Outcome& one : ended) tasks.push_back(one.succeeded() ? one.task.get() : ~std::uint64_t{0});
  EXPECT_THAT(tasks, ElementsAre(0, 1, 5, 6));
  EXPECT_EQ(begun, 4);
}

TEST_F(ThreadExecutorTest, NoneBeginsBeforeTheOneInFrontOfItHasEnded) {
  constexpr double kCalendar_s = 1e-3;  // it is asked once a second
  give_message(task<thread_lasts>(10), 5);
  ASSERT_TRUE(turn_until([&] { return ended.size() == given; }));
  for (std::size_t i = 0; i < ended.size(); ++i) {
    EXPECT_GE(ended[i].elapsed_s, 0.010);
    if (i > 0) {
      EXPECT_GE(ended[i].started_s, ended[i - 1].started_s + ended[i - 1].elapsed_s - kCalendar_s);
    }
  }
}

// Where outcomes wait to be taken, the time that this takes is no task's.
class ThreadThatWaitsToTell : public ThreadExecutorTest {
 protected:
  /// With outcomes of so many bytes, of which it can tell `told` before one is taken.
  void expect_that_it_executes_nothing(std::size_t size, std::size_t told) {
    give_message(task<thread_makes>(size), told + 2);
    turn();
    ASSERT_TRUE(wait_until(
        [&] { return begun == static_cast<int>(told) + 1 && !executor->current().has_value(); }, kBound));
    const double waits_s = wall_clock_s();
    ASSERT_TRUE(turn_until([&] { return ended.size() == given; }));
    for (const Outcome& one : ended)
      EXPECT_FALSE(one.started_s < waits_s && waits_s < one.started_s + one.elapsed_s) << one.task.get();
  }
};

TEST_F(ThreadThatWaitsToTell, ExecutesNothingMeanwhile) {
  constexpr std::size_t kSize = Channel::kLarge / 2;
  Outcome one;
  one.value = detail::to_bytes(std::string(kSize, 'm'));
  expect_that_it_executes_nothing(kSize, Ring::kCapacity / (kLengthRoom + encode(one).size()));
}

TEST_F(ThreadThatWaitsToTell, ExecutesNothingMeanwhileWhereTheyAreLarge) {
  expect_that_it_executes_nothing(Handover::kMost * 2 / 3, 1);
}

TEST_F(ThreadExecutorTest, BeginsNothingWhosePayloadHasGone) {
  may_end = false;
  for (int i = 0; i < 4; ++i) give(task<thread_waits>(std::string(Channel::kLarge + 1, 'x')));
  ASSERT_TRUE(turn_until([&] { return begun == 1; }));
  executor.reset();
  may_end = true;
  EXPECT_TRUE(wait_until([] { return thread_left.load(); }, kBound));
  EXPECT_EQ(begun, 1);
}

TEST_F(ThreadExecutorTest, APayloadThatIsStillReadOutlivesItsExecutor) {
  may_end = false;
  give(task<thread_reads>(std::string(Channel::kLarge + 1, 'x'), Slow()));
  ASSERT_TRUE(turn_until([&] { return begun == 1; }));
  executor.reset();
  std::vector<std::string> in_its_place;
  for (int i = 0; i < 100; ++i) in_its_place.emplace_back(2 * Channel::kLarge + 200, 'y');
  may_end = true;
  EXPECT_TRUE(wait_until([] { return thread_left.load(); }, kBound));
  EXPECT_EQ(read_size, 2 * (Channel::kLarge + 1));
}

TEST(Handover, KeepsTheOrderAndWaitsWhileItIsFull) {
  Handover handover;
  std::atomic<int> put{0};
  std::thread writer([&] {
    for (const char byte : {'a', 'b', 'c', 'd'}) {
      handover.put({Bytes(Handover::kMost / 2, byte), 0});
      ++put;
    }
    handover.put({Bytes(Handover::kMost + 1, 'e'), 0});
    ++put;
  });
  EXPECT_TRUE(wait_until([&] { return put == 2; }, 30s));
  EXPECT_EQ(handover.take().bytes.front(), 'a');
  EXPECT_TRUE(wait_until([&] { return put == 3; }, 30s));
  EXPECT_EQ(handover.take().bytes.front(), 'b');
  EXPECT_TRUE(wait_until([&] { return put == 4; }, 30s));
  EXPECT_EQ(handover.take().bytes.front(), 'c');
  EXPECT_EQ(put, 4) << "what is too large waits until it is alone";
  EXPECT_EQ(handover.take().bytes.front(), 'd');
  writer.join();
  EXPECT_EQ(handover.take().bytes, Bytes(Handover::kMost + 1, 'e'));
}

}  // namespace
