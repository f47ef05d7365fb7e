#include "core/signal_rule.hpp"

#include <gtest/gtest.h>
#include <signal.h>

namespace {

using namespace std::chrono_literals;
using parrun::SignalRule;
using parrun::TimePoint;

constexpr TimePoint kStart{};

TEST(SignalRule, TheFirstIsTheOneThatCounts) {
  SignalRule rule;
  EXPECT_EQ(rule.number(), 0);
  rule.on_signal(SIGUSR1, kStart);
  rule.on_signal(SIGTERM, kStart + 10s);
  EXPECT_EQ(rule.number(), SIGUSR1);
}

TEST(SignalRule, OneCauseMayReachManyRanksAndOneOfThemTwice) {
  SignalRule rule;
  for (const auto after : {0ms, 1ms, 700ms, 999ms}) rule.on_signal(SIGTERM, kStart + after);
  rule.on_signal(SIGTERM, kStart - 50ms);
  EXPECT_FALSE(rule.again()) << "the last was heard before, and told late";
}

TEST(SignalRule, ASecondOneLaterIsASecondCause) {
  SignalRule rule;
  rule.on_signal(SIGTERM, kStart);
  rule.on_signal(SIGINT, kStart + SignalRule::kOneCause);
  EXPECT_TRUE(rule.again());
}

}  // namespace
