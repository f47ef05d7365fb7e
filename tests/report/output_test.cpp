#include "report/output.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <thread>

#include "base/descriptor.hpp"
#include "support/wait_until.hpp"

namespace {

using namespace std::chrono_literals;
using parrun::Descriptor;
using parrun::Output;
using parrun::test::wait_until;

constexpr auto kBound = 20s;

class OutputTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe(ends.data()), 0);
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
    output = std::make_unique<Output>(write_end.get());
  }
  std::string read_exactly(std::size_t size) const {
    std::string text(size, '\0');
    std::size_t done = 0;
    while (done < size) {
      const ssize_t got = read(read_end.get(), text.data() + done, size - done);
      if (got <= 0) break;
      done += static_cast<std::size_t>(got);
    }
    text.resize(done);
    return text;
  }

  Descriptor read_end;
  Descriptor write_end;
  std::unique_ptr<Output> output;
};

TEST_F(OutputTest, WhatIsWrittenComesOutInOrder) {
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    expected += std::to_string(i) + '\n';
    output->write(std::to_string(i) + '\n');
  }
  EXPECT_EQ(read_exactly(expected.size()), expected);
  EXPECT_TRUE(wait_until([&] { return output->flushed(); }, kBound));
  EXPECT_FALSE(output->failed());
}

// A socket of messages keeps each write apart.
TEST(OutputWrites, WhatFollowsSoonGoesTogether) {
  constexpr int kTexts = 200;
  constexpr auto kPace = 100us;
  std::array<int, 2> ends{};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends.data()), 0);
  const Descriptor read_end(ends[0]);
  Output output{Descriptor(ends[1])};
  const parrun::TimePoint start = parrun::Clock::now();
  for (int i = 0; i < kTexts; ++i) {
    output.write("x");
    std::this_thread::sleep_for(kPace);  // the pace of what is written is what this is about
  }
  ASSERT_TRUE(wait_until([&] { return output.flushed(); }, kBound));
  const auto most = (parrun::Clock::now() - start) / Output::kTogether + 2;
  int writes = 0;
  std::array<char, 2 * kTexts> text{};
  for (std::ptrdiff_t got = 0; got < kTexts; ++writes) {
    const ssize_t one = read(read_end.get(), text.data(), text.size());
    ASSERT_GT(one, 0);
    got += one;
  }
  EXPECT_LE(writes, most);
}

TEST_F(OutputTest, NothingIsFlushedFromTheStart) {
  EXPECT_TRUE(output->flushed());
  output->write("");
  EXPECT_TRUE(output->flushed());
}

// Where this fails, it hangs: the test's limit ends it.
TEST_F(OutputTest, APipeThatNobodyReadsDoesNotBlockTheCallerAndIsCongested) {
  const std::string megabyte(std::size_t{1} << 20, 'x');
  const std::size_t pieces = Output::kCongestedBytes / megabyte.size() + 2;
  EXPECT_FALSE(output->congested());
  for (std::size_t i = 0; i < pieces; ++i) output->write(megabyte);
  EXPECT_TRUE(output->congested());
  EXPECT_FALSE(output->flushed());
  EXPECT_EQ(read_exactly(pieces * megabyte.size()).size(), pieces * megabyte.size());
  EXPECT_TRUE(wait_until([&] { return output->flushed(); }, kBound));
  EXPECT_FALSE(output->congested());
}

TEST_F(OutputTest, ItsEndDoesNotWaitForAPipeThatNobodyReads) {
  const std::string text(std::size_t{1} << 20, 'x');
  output->write(text);
  output.reset();
  EXPECT_EQ(read_exactly(text.size()).size(), text.size());  // so that its thread ends before the pipe does
}

TEST_F(OutputTest, ADescriptorOfItsOwnIsClosedWhenAllIsWrittenAndNotBefore) {
  ASSERT_EQ(fcntl(write_end.get(), F_SETFL, O_NONBLOCK), 0);  // many writes, not one that holds the pipe open
  output = std::make_unique<Output>(std::move(write_end));
  const std::string text(std::size_t{1} << 20, 'x');
  output->write(text);
  output.reset();
  EXPECT_EQ(read_exactly(text.size() + 1), text) << "then the end: nobody else holds the pipe";
}

TEST_F(OutputTest, AFullDiskIsNoticed) {
  const Descriptor full(open("/dev/full", O_WRONLY));
  ASSERT_TRUE(full);
  Output to_full(full.get());
  EXPECT_FALSE(to_full.failed());
  to_full.write("lost");
  EXPECT_TRUE(wait_until([&] { return to_full.failed(); }, kBound));
  EXPECT_TRUE(to_full.flushed()) << "nothing waits for what cannot be written";
}

}  // namespace
