#include "exec/frames.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace parrun;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Bytes frame(BytesView content) { return ByteWriter().put(content).take(); }

class FramesTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kLargest = std::uint64_t{1} << 30;

  void come(BytesView bytes) {
    ring->write(bytes);
    for (std::size_t left = bytes.size(); left > 0;) {
      const std::size_t read = frames.read_from(*ring);
      ASSERT_GE(read, std::min(left, Frames::kPiece));
      left -= read;
    }
  }
  std::vector<std::string> all_there() {
    std::vector<std::string> found;
    for (; const auto front = frames.front(); frames.pop()) found.emplace_back(*front);
    return found;
  }
  std::vector<std::string> taken() {
    std::vector<std::string> found;
    const Bytes done = frames.take_done();
    ByteReader in(BytesView(done).substr(kLengthRoom));
    while (!in.at_end()) found.push_back(in.get_string());
    return found;
  }

  std::unique_ptr<Ring> ring = std::make_unique<Ring>();
  Frames frames{kLargest};
};

TEST_F(FramesTest, AreThereWhenAllOfThemHasCome) {
  EXPECT_EQ(frames.read_from(*ring), 0U);
  come(frame("first") + frame("") + frame("third").substr(0, 10));
  EXPECT_THAT(all_there(), ElementsAre("first", ""));
  EXPECT_EQ(frames.unfinished(), 10U);
  come(frame("third").substr(10) + frame("fourth"));
  EXPECT_THAT(all_there(), ElementsAre("third", "fourth"));
  EXPECT_EQ(frames.unfinished(), 0U);
}

TEST_F(FramesTest, ThatAreDoneWithAreTakenWholeAndTheRestComesToItsEnd) {
  come(frame("first") + frame("second") + frame("third").substr(0, 3));
  frames.front();
  frames.pop();
  EXPECT_THAT(taken(), ElementsAre("first"));
  EXPECT_EQ(frames.front(), "second");
  come(frame("third").substr(3));
  EXPECT_THAT(all_there(), ElementsAre("second", "third"));
  EXPECT_THAT(taken(), ElementsAre("second", "third"));
  EXPECT_THAT(taken(), IsEmpty());
}

TEST_F(FramesTest, ThatAreDoneWithAreDroppedAndWhatFollowsStays) {
  come(frame("first") + frame("second").substr(0, 9));
  EXPECT_THAT(all_there(), ElementsAre("first"));
  frames.drop_done();
  EXPECT_EQ(frames.unfinished(), 9U);
  come(frame("second").substr(9));
  EXPECT_THAT(all_there(), ElementsAre("second"));
}

TEST_F(FramesTest, AreReadSomeAtATimeButALargeOneAsFarAsItHasCome) {
  Bytes many;
  while (many.size() < 3 * Frames::kPiece) many += frame("of a few bytes");
  ring->write(many);
  EXPECT_EQ(frames.read_from(*ring), Frames::kPiece);
  all_there();
  EXPECT_EQ(frames.read_from(*ring), Frames::kPiece);
  while (frames.read_from(*ring) > 0) {
  }
  all_there();
  const Bytes large = frame(Bytes(3 * Frames::kPiece, 'x'));
  come(BytesView(large).substr(0, 100));
  EXPECT_FALSE(frames.front());
  ring->write(BytesView(large).substr(100));
  EXPECT_EQ(frames.read_from(*ring), large.size() - 100);
  EXPECT_THAT(all_there(), ElementsAre(Bytes(3 * Frames::kPiece, 'x')));
}

TEST_F(FramesTest, OneManyTimesTheRingsSizeComesInPieces) {
  const Bytes large(5 * Ring::kCapacity, 'x');
  const Bytes bytes = frame(large);
  for (std::size_t at = 0; at < bytes.size(); at += Ring::kCapacity / 2) {
    EXPECT_FALSE(frames.front());
    come(BytesView(bytes).substr(at, Ring::kCapacity / 2));
  }
  EXPECT_TRUE(frames.front() == large);
}

TEST_F(FramesTest, OfASizeThatCannotBeAreRefusedAndOnesOfASizeThatIsALieTakeNoMemory) {
  const std::uint64_t lie = kLargest;
  come({reinterpret_cast<const char*>(&lie), sizeof lie});
  EXPECT_FALSE(frames.front());
  frames.clear();
  EXPECT_FALSE(frames.front());
  const std::uint64_t impossible = kLargest + 1;
  come({reinterpret_cast<const char*>(&impossible), sizeof impossible});
  EXPECT_THROW(frames.front(), FormatError);
}

TEST_F(FramesTest, OfASizeThatIsALieTakeNoMemoryWhereTheRingWasWrittenOverToo) {
  const std::uint64_t lie = kLargest;
  come({reinterpret_cast<const char*>(&lie), sizeof lie});
  EXPECT_FALSE(frames.front());
  const auto most_kb = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  const auto before_kb = most_kb();
  const std::uint64_t rubbish = kLargest;
  std::memcpy(static_cast<void*>(ring.get()), &rubbish, sizeof rubbish);  // how much was written
  EXPECT_THROW(frames.read_from(*ring), FormatError);
  EXPECT_LT(most_kb(), before_kb + 100'000);
}

}  // namespace
