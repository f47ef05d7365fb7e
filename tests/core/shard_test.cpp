#include "core/shard.hpp"

#include <gtest/gtest.h>

#include <string>

#include "parrun/errors.hpp"

namespace parrun::test {
namespace {

TEST(Shard, PartsOfABatchHaveEachOfItsTasksOnce) {
  for (std::uint64_t tasks = 0; tasks < 40; ++tasks) {
    for (std::uint64_t count = 1; count < 12; ++count) {
      std::uint64_t in_all = 0;
      for (std::uint64_t number = 1; number <= count; ++number) {
        const Shard shard{number, count};
        std::uint64_t own = 0;
        for (TaskId task(0); task.get() < tasks; task = TaskId(task.get() + 1)) {
          if (!shard.contains(task)) continue;
          EXPECT_EQ(shard.position(task), own++);
        }
        EXPECT_EQ(shard.tasks_below(tasks), own) << number << '/' << count << " of " << tasks;
        in_all += own;
      }
      EXPECT_EQ(in_all, tasks);
    }
  }
}

TEST(Shard, PartsDifferByOneTaskAtMost) {
  EXPECT_EQ((Shard{1, 3}.tasks_below(100)), 34U);
  EXPECT_EQ((Shard{3, 3}.tasks_below(100)), 33U);
  EXPECT_EQ((Shard{5, 5}.tasks_below(4)), 0U);
}

TEST(Shard, OverlapsAnotherWhereSomeTaskIsInBoth) {
  for (std::uint64_t n = 1; n < 9; ++n) {
    for (std::uint64_t m = 1; m < 9; ++m) {
      for (std::uint64_t k = 1; k <= n; ++k) {
        for (std::uint64_t l = 1; l <= m; ++l) {
          const Shard one{k, n}, other{l, m};
          bool both = false;
          for (TaskId task(0); task.get() < n * m; task = TaskId(task.get() + 1)) {
            both = both || (one.contains(task) && other.contains(task));
          }
          EXPECT_EQ(one.overlaps(other), both) << to_string(one) << " and " << to_string(other);
        }
      }
    }
  }
}

TEST(Shard, IsReadAsItIsWritten) {
  EXPECT_EQ(parse_shard("3/10"), (Shard{3, 10}));
  EXPECT_EQ(to_string(Shard{3, 10}), "3/10");
  EXPECT_TRUE(parse_shard("1/1").whole());
}

TEST(Shard, WhatIsNoPartOfAWholeIsRefused) {
  for (const char* text : {"", "3", "/", "3/", "/3", "0/3", "4/3", "-1/3", "1/0", "1/3x", "1 /3", "1/ 3",
                           "a/b", "1/99999999999999999999"}) {
    EXPECT_THROW(parse_shard(text), InputError) << text;
  }
}

}  // namespace
}  // namespace parrun::test
