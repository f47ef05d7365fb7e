#include "base/bytes.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>

namespace {

using namespace parrun;

enum class Colour : std::uint8_t { red = 7 };

Bytes sample() {
  ByteWriter out;
  out.put<std::uint64_t>(1).put<std::int32_t>(-2).put(true).put(0.1).put(Colour::red).put("text").put("");
  return out.take();
}

void read_sample(BytesView bytes) {
  ByteReader in(bytes);
  EXPECT_EQ(in.get<std::uint64_t>(), 1U);
  EXPECT_EQ(in.get<std::int32_t>(), -2);
  EXPECT_TRUE(in.get<bool>());
  EXPECT_EQ(in.get<double>(), 0.1);
  EXPECT_EQ(in.get<Colour>(), Colour::red);
  EXPECT_EQ(in.get_string(), "text");
  EXPECT_EQ(in.get_bytes(), "");
  EXPECT_TRUE(in.at_end());
}

TEST(Bytes, WhatWasPutIsGotInTheSameOrder) { read_sample(sample()); }

TEST(Bytes, SeveralAtOnceAreTheSameOneByOne) {
  ByteWriter out;
  out.put(std::uint64_t{1}, std::int32_t{-2}, true, 0.1, Colour::red).put("text").put("");
  EXPECT_EQ(out.view(), sample());
  ByteReader in(out.view());
  std::uint64_t number = 0;
  std::int32_t negative = 0;
  bool truth = false;
  double part = 0;
  Colour colour{};
  in.get(number, negative, truth, part, colour);
  EXPECT_EQ(number, 1U);
  EXPECT_EQ(negative, -2);
  EXPECT_TRUE(truth);
  EXPECT_EQ(part, 0.1);
  EXPECT_EQ(colour, Colour::red);
  EXPECT_EQ(in.rest(), out.view().substr(22));
  EXPECT_THROW(in.get(number, negative), FormatError);
}

TEST(Bytes, AreTheSameOverMemoryOfAnySize) {
  for (std::size_t size = 0; size < 60; ++size) {
    ByteWriter out = ByteWriter::over(Bytes(size, '?'));
    EXPECT_TRUE(out.empty());
    out.put<std::uint64_t>(1).put<std::int32_t>(-2).put(true).put(0.1).put(Colour::red).put("text").put("");
    EXPECT_EQ(out.view(), sample());
    EXPECT_EQ(out.size(), sample().size());
    EXPECT_EQ(out.take(), sample());
    EXPECT_TRUE(out.empty());
  }
}

TEST(Bytes, AreTheSameInMemoryThatWasUsedBefore) {
  ByteWriter out;
  out.put(BytesView("something longer than what follows, which is written over it"));
  out.clear();
  EXPECT_TRUE(out.empty());
  out.put("text");
  EXPECT_EQ(out.view(), ByteWriter().put("text").view());
}

TEST(Bytes, RoomIsWrittenToInItsPlace) {
  for (const std::size_t memory : {0U, 3U, 10U, 100'000U}) {
    ByteWriter out = ByteWriter::over(Bytes(memory, '?'));
    out.put('a');
    std::memset(out.extend(50'000), 'b', 50'000);
    out.put('c');
    EXPECT_TRUE(out.view() == "a" + Bytes(50'000, 'b') + "c");
  }
}

TEST(Bytes, MemoryCanBePreparedWhateverThereIsOfIt) {
  constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max() / 2;
  ByteWriter none{Bytes()};
  none.prepare(1000, 1000);
  ByteWriter some(100);
  some.put(std::uint64_t{17});
  for (const std::size_t ahead : {std::size_t{0}, std::size_t{90}, std::size_t{100}, kAll})
    some.prepare(ahead, 5000);
  EXPECT_EQ(ByteReader(some.view()).get<std::uint64_t>(), 17U);
}

TEST(Bytes, WhatIsLargeIsNotMovedForALittleBehindIt) {
  const Bytes large(100'000, 'x');
  ByteWriter out;
  out.append(large);
  const char* const place = out.view().data();
  out.append(Bytes(1000, 'y'));
  EXPECT_EQ(out.view().data(), place);
}

TEST(Bytes, IntegersAreLittleEndianAndOfTheirOwnWidth) {
  ByteWriter out;
  out.put<std::uint32_t>(0x01020304).put<std::uint8_t>(5);
  EXPECT_EQ(out.size(), 5U);
  EXPECT_EQ(out.take(), "\4\3\2\1\5");
}

TEST(Bytes, AStringIsItsLengthAndItsBytesWhateverTheyAre) {
  const Bytes zeros("\0\n\xff", 3);
  ByteWriter out;
  out.put(zeros);
  const Bytes bytes = out.take();
  EXPECT_EQ(bytes, Bytes("\3\0\0\0\0\0\0\0", 8) + zeros);
  EXPECT_EQ(ByteReader(bytes).get_string(), zeros);
}

TEST(Bytes, TruncatedAnywhereIsRefused) {
  const Bytes bytes = sample();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(read_sample(BytesView(bytes).substr(0, size)), FormatError) << size;
  }
}

TEST(Bytes, ALengthThatLiesIsRefused) {
  for (const std::uint64_t length :
       {std::uint64_t{2}, std::uint64_t{1} << 63, std::numeric_limits<std::uint64_t>::max()}) {
    ByteWriter out;
    out.put(length).put('x');
    const Bytes bytes = out.take();
    EXPECT_THROW(ByteReader(bytes).get_bytes(), FormatError) << length;
  }
}

TEST(Bytes, ATruthValueIsZeroOrOne) {
  EXPECT_FALSE(ByteReader(BytesView("\0", 1)).get<bool>());
  EXPECT_TRUE(ByteReader("\1").get<bool>());
  EXPECT_THROW(ByteReader("\2").get<bool>(), FormatError);
}

TEST(Bytes, ARefusedFieldCanBeTriedAsASmallerOne) {
  ByteReader in("ab");
  EXPECT_THROW(in.get<std::uint64_t>(), FormatError);
  EXPECT_EQ(in.get<char>(), 'a');
  EXPECT_FALSE(in.at_end());
}

TEST(Bytes, GottenBytesAreAViewOfThoseThatWereRead) {
  const Bytes bytes = Bytes("\1\0\0\0\0\0\0\0", 8) + "x";
  EXPECT_EQ(ByteReader(bytes).get_bytes().data(), bytes.data() + 8);
}

}  // namespace
