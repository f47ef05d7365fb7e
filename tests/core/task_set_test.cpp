#include "core/task_set.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace {

using parrun::TaskId;
using parrun::TaskSet;

TEST(TaskSet, IsEmptyAtFirst) {
  const TaskSet set;
  EXPECT_EQ(set.count(), 0U);
  EXPECT_FALSE(set.contains(TaskId(0)));
  EXPECT_EQ(set.next_absent(TaskId(5)), TaskId(5));
  EXPECT_EQ(set.next_present(TaskId(0), TaskId(1000)), TaskId(1000));
  EXPECT_EQ(set.count_below(TaskId(1000)), 0U);
}

TEST(TaskSet, ATaskThatIsPutInTwiceCountsOnce) {
  TaskSet set;
  set.insert(TaskId(70));
  set.insert(TaskId(70));
  EXPECT_EQ(set.count(), 1U);
  EXPECT_TRUE(set.contains(TaskId(70)));
}

TEST(TaskSet, AnswersAsAPlainSetDoes) {
  std::mt19937 random(7);
  for (const std::uint64_t one_in : {1, 2, 40}) {
    TaskSet set;
    std::set<std::uint64_t> plain;
    constexpr std::uint64_t kEnd = 400;
    for (std::uint64_t task = 0; task < kEnd; ++task) {
      if (random() % one_in != 0) continue;
      set.insert(TaskId(task));
      plain.insert(task);
    }
    for (std::uint64_t task = 0; task < kEnd + 200; ++task) {
      EXPECT_EQ(set.contains(TaskId(task)), plain.contains(task));
      std::uint64_t absent = task;
      while (plain.contains(absent)) ++absent;
      EXPECT_EQ(set.next_absent(TaskId(task)), TaskId(absent));
      const auto present = plain.lower_bound(task);
      const std::uint64_t end = kEnd + 200;
      EXPECT_EQ(set.next_present(TaskId(task), TaskId(end)), TaskId(present == plain.end() ? end : *present));
      EXPECT_EQ(set.count_below(TaskId(task)),
                static_cast<std::uint64_t>(std::distance(plain.begin(), plain.lower_bound(task))));
    }
  }
}

}  // namespace
