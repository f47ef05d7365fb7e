#include "wire/loopback.hpp"

#include <gtest/gtest.h>

namespace {

using namespace parrun;

TEST(Loopback, CarriesMessagesBothWaysInOrder) {
  Loopback loopback;
  loopback.dispatcher().send(Rank(0), "one");
  loopback.dispatcher().send(Rank(0), "two");
  loopback.worker(0).send(Rank(0), "answer");
  EXPECT_EQ(loopback.worker(0).receive()->bytes.view(), "one");
  EXPECT_EQ(loopback.worker(0).receive()->bytes.view(), "two");
  EXPECT_FALSE(loopback.worker(0).receive());
  EXPECT_EQ(loopback.dispatcher().receive()->bytes.view(), "answer");
  EXPECT_FALSE(loopback.dispatcher().receive());
}

TEST(Loopback, BothEndsAreTheOneRank) {
  Loopback loopback;
  EXPECT_EQ(loopback.worker(0).ranks(), 1);
  EXPECT_EQ(loopback.worker(0).rank(), Rank(0));
  loopback.worker(0).send(Rank(0), "from");
  EXPECT_EQ(loopback.dispatcher().receive()->from, Rank(0));
}

TEST(Loopback, SeveralWorkersAreTheRanksFromOneOn) {
  Loopback loopback(2);
  EXPECT_EQ(loopback.dispatcher().ranks(), 3);
  EXPECT_EQ(loopback.worker(1).rank(), Rank(2));
  loopback.dispatcher().send(Rank(2), "to the second");
  EXPECT_FALSE(loopback.worker(0).receive());
  EXPECT_FALSE(loopback.dispatcher().idle());
  EXPECT_EQ(loopback.worker(1).receive()->bytes.view(), "to the second");
  loopback.worker(1).send(Rank(0), "answer");
  EXPECT_EQ(loopback.dispatcher().receive()->from, Rank(2));
}

TEST(Loopback, AnEndIsIdleWhenWhatItSentWasTaken) {
  Loopback loopback;
  EXPECT_TRUE(loopback.worker(0).idle());
  loopback.worker(0).send(Rank(0), "farewell");
  EXPECT_FALSE(loopback.worker(0).idle());
  EXPECT_TRUE(loopback.dispatcher().idle());
  loopback.dispatcher().receive();
  EXPECT_TRUE(loopback.worker(0).idle());
}

}  // namespace
