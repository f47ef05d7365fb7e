#include "exec/ring.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <new>
#include <random>
#include <string>
#include <thread>

#include "exec/shared_memory.hpp"
#include "support/ring_bytes.hpp"
#include "support/wait_until.hpp"

namespace {

using namespace parrun;
using namespace std::chrono_literals;

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 2654435761U >> 11);
  return bytes;
}

class RingTest : public ::testing::Test {
 protected:
  std::string read(std::size_t size) { return test::read_bytes(*ring, size); }
  std::unique_ptr<Ring> ring = std::make_unique<Ring>();
};

TEST_F(RingTest, BytesComeOutInTheOrderInWhichTheyWentIn) {
  EXPECT_FALSE(ring->has_data());
  EXPECT_EQ(ring->try_write("abc"), 3U);
  EXPECT_EQ(ring->try_write("de"), 2U);
  EXPECT_TRUE(ring->has_data());
  EXPECT_EQ(read(4), "abcd");
  EXPECT_EQ(read(1), "e");
  EXPECT_FALSE(ring->has_data());
}

TEST_F(RingTest, AFullRingTakesNoMoreAndAnEmptyOneGivesNone) {
  const std::string bytes = pattern(Ring::kCapacity + 100);
  EXPECT_EQ(ring->try_write(bytes), Ring::kCapacity);
  EXPECT_EQ(ring->try_write("x"), 0U);
  EXPECT_EQ(read(Ring::kCapacity), bytes.substr(0, Ring::kCapacity));
  std::string none(Ring::kCapacity, '\0');
  EXPECT_EQ(ring->try_read(none.data(), none.size()), 0U);
  EXPECT_EQ(ring->try_write("x"), 1U) << "there is space again";
}

TEST_F(RingTest, StreamsOfManyTimesItsSizePassBetweenThreads) {
  const std::string bytes = pattern(20 * Ring::kCapacity + 12345);
  std::thread writer([&] { ring->write(bytes); });
  const std::string got = read(bytes.size());
  writer.join();
  EXPECT_TRUE(got == bytes);
}

TEST_F(RingTest, SingleBytesPassBetweenThreadsThatSleep) {
  constexpr int kRounds = 300;
  const auto answers = std::make_unique<Ring>();
  std::thread echo([&] {
    for (int i = 0; i < kRounds; ++i) {
      answers->write(test::read_bytes(*ring, 1));
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    const char sent = static_cast<char>(i);
    ring->write({&sent, 1});
    ASSERT_EQ(test::read_bytes(*answers, 1), std::string(1, sent));
  }
  echo.join();
}

TEST_F(RingTest, AWaitForDataEndsAtItsLimit) {
  const TimePoint start = Clock::now();
  ring->await_data(5ms);
  EXPECT_LT(Clock::now() - start, 10s);
}

TEST_F(RingTest, AWaitForDataEndsWhenThereAreSome) {
  const TimePoint start = Clock::now();
  ring->try_write("x");
  ring->await_data(1h);
  read(1);
  std::thread writer([&] { ring->try_write("y"); });
  while (!ring->has_data()) ring->await_data(1h);
  writer.join();
  EXPECT_LT(Clock::now() - start, 1min);
}

// At the last byte that it waits for, or, where it fell asleep just then, at the next.
TEST_F(RingTest, WhoSleepsIsWokenByWrites) {
  std::atomic<bool> over{false};
  std::thread reader([&] {
    while (!ring->has_bytes(100)) ring->await_bytes(100, 1h);
    over = true;
  });
  const bool ended = test::wait_until(
      [&] {
        if (!ring->has_bytes(Ring::kCapacity)) ring->write("x");
        return over.load();
      },
      30s);
  ring->nudge();
  reader.join();
  EXPECT_TRUE(ended);
}

TEST_F(RingTest, AWriteTellsWhetherItHadToWaitForSpace) {
  EXPECT_FALSE(ring->write(std::string(Ring::kCapacity - 10, 'x')));
  EXPECT_FALSE(ring->write("0123456789"));
  read(Ring::kCapacity);
  std::thread writer([&] { EXPECT_TRUE(ring->write(std::string(Ring::kCapacity + 1, 'x'))); });
  read(Ring::kCapacity + 1);
  writer.join();
}

// Nudges end a wait too; data do when there are enough.
TEST_F(RingTest, AWaitForMuchIsNotEndedByLittle) {
  std::atomic<bool> over{false};
  ring->try_write("x");
  std::thread writer([&] {
    while (!over.load()) ring->nudge();
  });
  for (int i = 0; i < 100; ++i) ring->await_bytes(1000, 1h);
  over = true;
  writer.join();
  EXPECT_TRUE(ring->has_data());
  const TimePoint start = Clock::now();
  for (int i = 0; i < 3; ++i) ring->await_bytes(1000, 20ms);
  EXPECT_GE(Clock::now() - start, 50ms) << "one byte is not a thousand";
  std::thread filler([&] { ring->write(std::string(1000, 'y')); });
  while (!ring->has_bytes(1000)) ring->await_bytes(1000, 1h);
  filler.join();
}

// Else a reader who waits for much looks again and again, and keeps the writer from its processor.
TEST_F(RingTest, AWaitForMuchIsNotEndedByLittleThatKeepsComing) {
  std::atomic<bool> over{false};
  std::thread writer([&] {
    while (!over.load()) {
      if (!ring->has_bytes(Ring::kCapacity / 2)) ring->try_write("x");
    }
  });
  while (!ring->has_data()) sched_yield();
  const TimePoint start = Clock::now();
  for (int i = 0; i < 20; ++i) ring->await_bytes(Ring::kCapacity, 1ms);
  EXPECT_GE(Clock::now() - start, 18ms);
  over = true;
  writer.join();
}

// A task has written over it: what comes out is rubbish, or an error, but none of it from elsewhere.
TEST(SharedRing, ThatIsWrittenOverIsLeftByNeitherSide) {
  const SharedMemory memory(sizeof(Ring));
  std::mt19937_64 random(1);
  int refused = 0;
  for (int round = 0; round < 300; ++round) {
    Ring* ring = new (memory.data()) Ring;
    ring->try_write(pattern(1000));
    const std::uint64_t rubbish = random() >> random() % 64;
    for (int word = 0; word < 2; ++word) {  // both positions, or one of them
      if (random() % 3 == 0) continue;
      std::memcpy(static_cast<char*>(memory.data()) + word * 64, &rubbish, sizeof rubbish);
    }
    std::string out(2 * Ring::kCapacity, '\0');
    EXPECT_LE(ring->try_write(out), Ring::kCapacity);
    try {
      EXPECT_LE(ring->try_read(out.data(), out.size()), Ring::kCapacity);
    } catch (const FormatError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 50);
  EXPECT_LT(refused, 250);
}

TEST(SharedRing, StreamsPassBetweenProcesses) {
  const SharedMemory memory(sizeof(Ring));
  Ring* ring = new (memory.data()) Ring;
  const std::string bytes = pattern(5 * Ring::kCapacity);
  const pid_t child = fork();
  if (child == 0) {
    ring->write(bytes);
    _exit(0);
  }
  EXPECT_TRUE(test::read_bytes(*ring, bytes.size()) == bytes);
  EXPECT_EQ(waitpid(child, nullptr, 0), child);
}

}  // namespace
