#include "record/stored_text.hpp"

#include <gtest/gtest.h>
#include <zstd.h>

#include <random>

namespace {

using namespace parrun;

std::string stored(const std::string& text, bool* is_blob = nullptr) {
  TextStore store;
  std::string buffer;
  const StoredText result = store.store(text, buffer);
  if (is_blob != nullptr) *is_blob = result.is_blob;
  EXPECT_EQ(restore_text(result), text);
  return std::string(result.bytes);
}

TEST(StoredText, ShortUtf8StaysText) {
  bool is_blob = true;
  for (const std::string text : {"", "plain\n", "grün €\t\U0001F600"}) {
    EXPECT_EQ(stored(text, &is_blob), text);
    EXPECT_FALSE(is_blob) << text;
  }
}

TEST(StoredText, OtherBytesAreABlob) {
  bool is_blob = false;
  using namespace std::string_literals;
  for (const std::string& text : {"a\0b"s, "\xff"s, "\xc3"s, "\xc0\x80"s, "\xed\xa0\x80"s,
                                  "\xf4\x90\x80\x80"s, "\xe0\x80\x80"s, "\x80"s}) {
    EXPECT_EQ(stored(text, &is_blob), text);
    EXPECT_TRUE(is_blob);
  }
}

TEST(StoredText, LongTextsAreZstdFrames) {
  const std::string text(1'000'000, 'x');
  bool is_blob = false;
  const std::string frame = stored(text, &is_blob);
  EXPECT_TRUE(is_blob);
  EXPECT_LT(frame.size(), 1000U);
  EXPECT_EQ(ZSTD_getFrameContentSize(frame.data(), frame.size()), text.size())
      << "any zstd client can open it";
}

TEST(StoredText, OneThatBeginsAsAFrameIsNotTakenForOne) {
  const std::string text = "\x28\xb5\x2f\xfd and no frame";
  EXPECT_NE(stored(text), text);
}

TEST(StoredText, ADamagedFrameIsFound) {
  std::mt19937 random(1);
  constexpr std::size_t kMagicSize = 4;
  std::string text(20000, '\0');
  for (char& c : text) c = static_cast<char>('a' + random() % 8);
  const std::string frame = stored(text);
  for (std::size_t i = 0; i < 200; ++i) {
    std::string damaged = frame;
    damaged[kMagicSize + random() % (damaged.size() - kMagicSize)] ^= static_cast<char>(1U << random() % 8);
    try {
      EXPECT_TRUE(restore_text({damaged, true}) == text) << "bits that carry nothing";
    } catch (const std::runtime_error&) {
    }
  }
  EXPECT_THROW(restore_text({frame.substr(0, frame.size() / 2), true}), std::runtime_error);
  EXPECT_THROW(restore_text({frame.substr(0, 4), true}), std::runtime_error);
}

}  // namespace
