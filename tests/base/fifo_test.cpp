#include "base/fifo.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace {

using parrun::Fifo;

TEST(Fifo, GivesWhatWasPutInOrder) {
  Fifo<std::unique_ptr<int>> fifo;
  int put = 0;
  int taken = 0;
  for (int round = 1; round < 40; ++round) {
    for (int i = 0; i < round; ++i) fifo.put(std::make_unique<int>(put++));
    for (int i = 0; i < (2 * round) / 3; ++i) EXPECT_EQ(*fifo.take(), taken++);
    EXPECT_EQ(fifo.size(), static_cast<std::size_t>(put - taken));
  }
  while (!fifo.empty()) EXPECT_EQ(*fifo.take(), taken++);
  EXPECT_EQ(taken, put);
}

TEST(Fifo, LetsLookAtAllAndTakesFromBothEnds) {
  Fifo<std::unique_ptr<int>> fifo;
  for (int i = 0; i < 40; ++i) fifo.put(std::make_unique<int>(i));
  fifo.drop_first();
  EXPECT_EQ(*fifo.take_last(), 39);
  EXPECT_EQ(*fifo.front(), 1);
  *fifo.front() = 100;
  EXPECT_EQ(*fifo[0], 100);
  *fifo.front() = 1;
  for (std::size_t i = 0; i < fifo.size(); ++i) EXPECT_EQ(*fifo[i], static_cast<int>(i) + 1);
  EXPECT_EQ(fifo.size(), 38U);
}

TEST(Fifo, KeepsNothingOfWhatWasTaken) {
  Fifo<std::shared_ptr<int>> fifo;
  const auto thing = std::make_shared<int>(1);
  for (int i = 0; i < 10; ++i) fifo.put(std::shared_ptr<int>(thing));
  for (int i = 0; i < 4; ++i) fifo.take();
  EXPECT_EQ(thing.use_count(), 1 + 6);
}

}  // namespace
