#include "base/backoff.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace {

using parrun::Backoff;
using parrun::Duration;

TEST(Backoff, IsEagerRightAfterWork) {
  Backoff backoff;
  for (int turn = 0; turn < 10; ++turn) EXPECT_EQ(backoff.next(), Duration::zero());
}

TEST(Backoff, WaitsLongerAndLongerUpToItsLongest) {
  Backoff backoff;
  Duration last = Duration::zero();
  for (int turn = 0; turn < 1000; ++turn) {
    const Duration next = backoff.next();
    EXPECT_GE(next, last);
    EXPECT_LE(next, Backoff::kLongest);
    last = next;
  }
  EXPECT_EQ(last, Backoff::kLongest);
}

TEST(Backoff, WaitsNoLongerThanAnEighthOfWhatItHasWaited) {
  Backoff backoff;
  Duration waited = Duration::zero();
  for (int turn = 0; turn < 200; ++turn) {
    const Duration next = backoff.next();
    EXPECT_LE(next, std::max<Duration>(waited / 8, std::chrono::microseconds(20)));
    waited += next;
  }
}

TEST(Backoff, IsEagerAgainAfterWork) {
  Backoff backoff;
  for (int turn = 0; turn < 1000; ++turn) backoff.next();
  backoff.on_work();
  EXPECT_EQ(backoff.next(), Duration::zero());
}

}  // namespace
