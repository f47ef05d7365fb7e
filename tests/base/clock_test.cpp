#include "base/clock.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace {

using namespace parrun;
using namespace std::chrono_literals;

TEST(Calendar, SaysWhatTheCalendarSaysThoughItIsSeldomAsked) {
  Calendar calendar;
  const TimePoint start = Clock::now();
  const double before_s = wall_clock_s();
  const double first_s = calendar.at(start);
  EXPECT_NEAR(first_s, before_s, 0.5);
  EXPECT_NEAR(calendar.at(start + 10ms) - first_s, 0.01, 1e-5);
  EXPECT_NEAR(calendar.at(start + 3s) - first_s, 3, 0.5) << "asked again";
}

TEST(FromSeconds, WhatNoDurationHoldsIsTheNearestThatThereIs) {
  EXPECT_EQ(from_seconds(1.5), 1500ms);
  EXPECT_EQ(from_seconds(1e300), from_seconds(9.2e9));
  EXPECT_EQ(from_seconds(-1e300), -from_seconds(9.2e9));
  EXPECT_EQ(from_seconds(std::numeric_limits<double>::quiet_NaN()), Duration::zero());
}

TEST(CoarseNow, IsSomeMillisecondsBehindAtMost) {
  const TimePoint before = Clock::now();
  const TimePoint coarse = coarse_now();
  EXPECT_LE(coarse, Clock::now());
  EXPECT_GT(coarse, before - 100ms);
}

}  // namespace
