#include "run/ending_signals.hpp"

#include <gtest/gtest.h>
#include <signal.h>

namespace {

using parrun::EndingSignals;

TEST(EndingSignals, TheFirstThatComesIsNotedAndEndsNothing) {
  const EndingSignals signals;
  EXPECT_EQ(signals.raised(), 0);
  raise(SIGTERM);
  raise(SIGINT);
  EXPECT_EQ(signals.raised(), SIGTERM);
}

TEST(EndingSignals, AfterwardsAllIsAsBefore) {
  struct sigaction before {};
  struct sigaction after {};
  sigaction(SIGHUP, nullptr, &before);
  { const EndingSignals signals; }
  sigaction(SIGHUP, nullptr, &after);
  EXPECT_EQ(before.sa_handler, after.sa_handler);
  EXPECT_EQ(EndingSignals().raised(), 0);
}

}  // namespace
