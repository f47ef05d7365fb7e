#include "report/output.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>

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
