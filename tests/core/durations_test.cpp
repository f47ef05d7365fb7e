#include "core/durations.hpp"

#include <gtest/gtest.h>

namespace {

using parrun::Durations;

constexpr double kBucket = 1.1893;  // a quarter octave

void expect_about(std::optional<double> actual, double expected) {
  ASSERT_TRUE(actual);
  EXPECT_GE(*actual, expected * 0.9999);
  EXPECT_LE(*actual, expected * kBucket);
}

TEST(Durations, NothingIsExpectedBeforeATaskIsDone) {
  EXPECT_FALSE(Durations().expected_s("any"));
  EXPECT_FALSE(Durations().least_expected_s());
}

TEST(Durations, NineteenOfTwentyTasksTakeNoLonger) {
  Durations durations;
  for (int i = 1; i <= 100; ++i) durations.add("", i);
  expect_about(durations.expected_s(""), 95);
}

TEST(Durations, EachLabelHasItsOwnAndAnotherThatOfAll) {
  Durations durations;
  for (int i = 0; i < 10; ++i) durations.add("short", 0.01);
  for (int i = 0; i < 10; ++i) durations.add("long", 100);
  expect_about(durations.expected_s("short"), 0.01);
  expect_about(durations.expected_s("long"), 100);
  expect_about(durations.expected_s("new"), 100);
  expect_about(durations.least_expected_s(), 0.01);
}

TEST(Durations, ExtremesAreKept) {
  Durations durations;
  durations.add("none", 0);
  durations.add("ages", 1e9);
  expect_about(durations.expected_s("none"), 1e-6);
  EXPECT_GT(durations.expected_s("ages"), 80'000);
}

TEST(Durations, ManyLabelsTakeNoMoreMemory) {
  Durations durations;
  for (std::size_t i = 0; i < 3 * Durations::kMostLabels; ++i) durations.add(std::to_string(i), 1);
  durations.add("late", 50);
  expect_about(durations.expected_s("late"), 1);
}

}  // namespace
