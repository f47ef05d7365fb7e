#include "base/limit.hpp"

#include <gtest/gtest.h>

#include "base/duration.hpp"

namespace {

using namespace parrun;
using namespace std::chrono_literals;

TEST(Limit, ItsMultipleCanBeAddedToATimeHoweverLongItIs) {
  EXPECT_EQ(multiplied(30s, 3), 90s);
  EXPECT_EQ(multiplied(kLongestLimit / 3, 3), kLongestLimit / 3 * 3);
  EXPECT_EQ(multiplied(kLongestLimit / 3 + 1ns, 3), kLongestLimit);
  EXPECT_EQ(multiplied(kLongestLimit, 10), kLongestLimit);
  EXPECT_EQ(multiplied(Duration::max(), 10), kLongestLimit);
  EXPECT_LT(Clock::now(), Clock::now() + kLongestLimit + kLongestLimit);
}

TEST(Limit, TheLongestIsTheLongestThatCanBeWritten) { EXPECT_EQ(parse_duration("36500d"), kLongestLimit); }

}  // namespace
