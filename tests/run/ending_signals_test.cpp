#include "run/ending_signals.hpp"

#include <gtest/gtest.h>
#include <signal.h>

namespace {

using parrun::EndingSignals;

TEST(EndingSignals, EachIsNotedWithItsTimeAndEndsNothing) {
  EndingSignals signals;
  EXPECT_FALSE(signals.take());
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGTERM}) {
    const auto before = parrun::Clock::now();
    raise(number);
    const auto heard = signals.take();
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->number, number);
    EXPECT_GE(heard->at, before);
    EXPECT_LE(heard->at, parrun::Clock::now());
    EXPECT_FALSE(signals.take());
  }
}

TEST(EndingSignals, AfterwardsAllIsAsBefore) {
  struct sigaction before {};
  struct sigaction after {};
  sigaction(SIGHUP, nullptr, &before);
  { const EndingSignals signals; }
  sigaction(SIGHUP, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
  EXPECT_FALSE(EndingSignals().take()) << "what was heard before is none of its";
}

}  // namespace
