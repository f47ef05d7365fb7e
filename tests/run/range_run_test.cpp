#include "run/range_run.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <memory>
#include <optional>
#include <stdexcept>

#include "batch/task_spec.hpp"
#include "support/sanitizers.hpp"

namespace {

using namespace parrun;

constexpr std::size_t kTasks = 100'000;
constexpr std::size_t kArgumentBytes = 900;

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
  return {feed(tasks, fields), std::nullopt, [] {}};
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

TEST(RangeSource, KeepsWhatATasksArgumentsReferToUntilItIsDone) {
  const auto kept = std::make_shared<const int>(7);
  RangeSource tasks = source(1, {.function = "f", .arguments = "a", .kept = {kept}});
  const auto before = kept.use_count();
  tasks.pull(1);
  EXPECT_EQ(kept.use_count(), before + 1);
  tasks.forget(TaskId(0));
  EXPECT_EQ(kept.use_count(), before);
}

TEST(RangeSource, KeepsLittleMemoryOfTasksThatAreDone) {
  if (test::kSanitized) GTEST_SKIP() << "sanitizers take memory and threads of their own";
  RangeSource tasks = source(2 * kTasks, {.function = "f", .arguments = Bytes(kArgumentBytes, 'a')});
  const std::size_t before = memory_in_use();
  tasks.pull(kTasks);
  EXPECT_GT(memory_in_use() - before, kTasks * kArgumentBytes);
  for (std::uint64_t task = 0; task < kTasks; ++task) tasks.forget(TaskId(task));
  for (std::uint64_t task = kTasks; task < 2 * kTasks; ++task) {  // one at a time
    tasks.pull(task + 1);
    tasks.forget(TaskId(task));
  }
  EXPECT_LT(memory_in_use() - before, kTasks * kArgumentBytes / 3);
}

}  // namespace
