#include "wire/loopback.hpp"

#include <gtest/gtest.h>

namespace {

using namespace parrun;

TEST(Loopback, CarriesMessagesBothWaysInOrder) {
  Loopback loopback;
  loopback.dispatcher().send(Rank(0), "one");
  loopback.dispatcher().send(Rank(0), "two");
  loopback.worker().send(Rank(0), "answer");
  EXPECT_EQ(loopback.worker().receive()->bytes, "one");
  EXPECT_EQ(loopback.worker().receive()->bytes, "two");
  EXPECT_FALSE(loopback.worker().receive());
  EXPECT_EQ(loopback.dispatcher().receive()->bytes, "answer");
  EXPECT_FALSE(loopback.dispatcher().receive());
}

TEST(Loopback, BothEndsAreTheOneRank) {
  Loopback loopback;
  EXPECT_EQ(loopback.worker().ranks(), 1);
  EXPECT_EQ(loopback.worker().rank(), Rank(0));
  loopback.worker().send(Rank(0), "from");
  EXPECT_EQ(loopback.dispatcher().receive()->from, Rank(0));
}

TEST(Loopback, AnEndIsIdleWhenWhatItSentWasTaken) {
  Loopback loopback;
  EXPECT_TRUE(loopback.worker().idle());
  loopback.worker().send(Rank(0), "farewell");
  EXPECT_FALSE(loopback.worker().idle());
  EXPECT_TRUE(loopback.dispatcher().idle());
  loopback.dispatcher().receive();
  EXPECT_TRUE(loopback.worker().idle());
}

}  // namespace
