#include "run/range_run.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>

#include "batch/task_spec.hpp"
#include "support/sanitizers.hpp"

namespace {

using namespace parrun;

// As many, each with the same arguments.
detail::Feed feed(std::size_t tasks, const detail::CallFields& fields) {
  return [left = tasks, fields](const detail::TakeCall& take) mutable {
    if (left == 0) return false;
    --left;
    take(fields);
    return true;
  };
}

RangeSource source(std::size_t tasks, const detail::CallFields& fields) {
  return {feed(tasks, fields), std::nullopt, {}};
}

std::size_t memory_in_use() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(RangeSource, HasTheTasksThatWerePulledAndAreNotForgotten) {
  RangeSource tasks = source(3, {.function = "f", .arguments = "a"});
  EXPECT_EQ(tasks.pull(2), 2U);
  EXPECT_EQ(view_call(tasks.payload(TaskId(1))).value().function, "f");
  EXPECT_THROW(tasks.payload(TaskId(2)), std::out_of_range);
  for (int i = 0; i < 2; ++i) tasks.forget(TaskId(1));
  EXPECT_THROW(tasks.payload(TaskId(1)), std::out_of_range);
  EXPECT_EQ(tasks.pull(10), 3U);
  EXPECT_TRUE(tasks.exhausted());
}

TEST(RangeSource, TellsWhenTheRangeIsAskedAndWhenItHasAnswered) {
  std::string told;
  RangeSource tasks(feed(3, {.function = "f", .arguments = "a"}), std::nullopt,
                    {.before = [&] { told += 'b'; }, .after = [&] { told += 'a'; }});
  tasks.pull(2);
  EXPECT_EQ(told, "bba");
  tasks.pull(2);
  EXPECT_EQ(told, "bba") << "it is not asked";
  tasks.pull(10);
  EXPECT_EQ(told, "bbabba") << "once for a task, and once for the end";
  tasks.pull(20);
  EXPECT_EQ(told, "bbabba");
}

TEST(RangeSource, MayBeAllowedToRunAheadWithoutBound) {
  RangeSource tasks(feed(3, {.function = "f", .arguments = "a"}), std::numeric_limits<std::size_t>::max(),
                    {.before = [] {}, .after = [] {}});
  EXPECT_EQ(tasks.pull(1), 1U);
  tasks.on_taken();
  EXPECT_EQ(tasks.pull(10), 3U);
}

TEST(RangeSource, KeepsWhatATasksArgumentsReferToUntilItIsDone) {
  const auto kept = std::make_shared<const int>(7);
  RangeSource tasks = source(1, {.function = "f", .arguments = "a", .kept = {kept}});
  const auto before = kept.use_count();
  tasks.pull(1);
  EXPECT_EQ(kept.use_count(), before + 1);
  tasks.forget(TaskId(0));
  EXPECT_EQ(kept.use_count(), before);
}

TEST(RangeSource, HasThePayloadOfEachTaskWhateverLayThereBefore) {
  std::size_t task = 0;
  RangeSource tasks(
      [&](const detail::TakeCall& take) {
        take({.function = "f",
              .arguments = Bytes(task % 7 * 100, static_cast<char>('a' + task % 26)),
              .label = Bytes(task % 3, 'l')});
        return ++task < 1000;
      },
      std::nullopt, {});
  for (std::uint64_t i = 0; i < 1000; ++i) {
    tasks.pull(i + 1 + i % 5);
    const auto call = view_call(tasks.payload(TaskId(i)));
    ASSERT_EQ(call.value().arguments, Bytes(i % 7 * 100, static_cast<char>('a' + i % 26)));
    ASSERT_EQ(call.value().head.label.size(), i % 3);
    ByteWriter payload;
    tasks.append_payload(TaskId(i), payload);
    EXPECT_EQ(ByteReader(payload.view()).get_bytes(), tasks.payload(TaskId(i)));
    tasks.forget(TaskId(i));
  }
}

TEST(RangeSource, LeavesTheMemoryOfATaskThatIsDoneToALaterOne) {
  RangeSource tasks = source(1000, {.function = "f", .arguments = "a"});
  std::set<const void*> used;
  for (std::uint64_t task = 0; task < 1000; ++task) {
    tasks.pull(task + 1);
    used.insert(tasks.payload(TaskId(task)).data());
    tasks.forget(TaskId(task));
  }
  EXPECT_GT(used.size(), 1U) << "that of the first one was given back";
  EXPECT_LT(used.size(), 100U);
}

// All of them at once, and then as many again, one at a time.
void expect_little_is_kept(std::size_t tasks, std::size_t argument_bytes) {
  RangeSource source_of = source(2 * tasks, {.function = "f", .arguments = Bytes(argument_bytes, 'a')});
  const std::size_t before = memory_in_use();
  source_of.pull(tasks);
  EXPECT_GT(memory_in_use() - before, tasks * argument_bytes);
  for (std::uint64_t task = 0; task < tasks; ++task) source_of.forget(TaskId(task));
  for (std::uint64_t task = tasks; task < 2 * tasks; ++task) {
    source_of.pull(task + 1);
    source_of.forget(TaskId(task));
  }
  EXPECT_LT(memory_in_use() - before, tasks * argument_bytes * 3 / 4) << "what is kept of each is less";
}

TEST(RangeSource, KeepsLittleMemoryOfTasksThatAreDone) {
  if (test::kSanitized) GTEST_SKIP() << "sanitizers take memory and threads of their own";
  expect_little_is_kept(100'000, 400);
  expect_little_is_kept(1000, 100'000);
}

}  // namespace
