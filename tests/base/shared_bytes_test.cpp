#include "base/shared_bytes.hpp"

#include <gtest/gtest.h>

namespace {

using namespace parrun;

constexpr std::size_t kSize = SpareBytes::kLeast;

TEST(SharedBytes, LiveAsLongAsAnyPartOfThem) {
  SharedBytes part;
  {
    const SharedBytes all(Bytes(1000, 'a') + "end");
    part = all.part(all.view().substr(1000));
  }
  EXPECT_EQ(part.view(), "end");
}

TEST(SharedBytes, GiveTheirMemoryBackWithTheirLastPart) {
  const auto spares = boost::make_local_shared<SpareBytes>();
  SharedBytes all(Bytes(kSize, 'a'), spares);
  SharedBytes part = all.part(all.view().substr(0, 1));
  all = {};
  EXPECT_EQ(spares->take(kSize), Bytes(kSize, '\0')) << "it is not there yet";
  part = {};
  EXPECT_EQ(spares->take(kSize), Bytes(kSize, 'a')) << "it has been cleared";
}

TEST(SharedBytes, MayLiveLongerThanTheirSpareMemorysOwner) {
  SharedBytes last;
  {
    const auto spares = boost::make_local_shared<SpareBytes>();
    last = SharedBytes(Bytes(kSize, 'a'), spares);
  }
  EXPECT_EQ(last.view(), Bytes(kSize, 'a'));
}

TEST(SharedBytes, AreClaimedOnceAllOfThemByAnyPart) {
  const SharedBytes all(Bytes(1000, 'a'));
  const SharedBytes part = all.part(all.view().substr(0, 1));
  const SharedBytes copy = part;
  EXPECT_GE(part.claim(), 1000U);
  EXPECT_EQ(part.claim(), 0U);
  EXPECT_EQ(copy.claim(), 0U);
  EXPECT_EQ(all.claim(), 0U);
  EXPECT_EQ(SharedBytes().claim(), 0U);
}

TEST(SpareBytes, AreNotTheMemoryOfFarMore) {
  SpareBytes spares;
  spares.put(Bytes(SpareBytes::kWaste * kSize, 'a'));
  EXPECT_EQ(spares.take(kSize).front(), 'a');
  spares.put(Bytes(SpareBytes::kWaste * kSize + SpareBytes::kWaste, 'a'));
  const Bytes other = spares.take(kSize);
  EXPECT_EQ(other.front(), '\0');
  EXPECT_LT(other.capacity(), 2 * kSize);
}

TEST(SharedBytes, TheFirstOfThemAreTakenWithoutACopyWhereNobodyElseHasAny) {
  const Bytes text(100'000, 'x');
  SharedBytes bytes(text + "behind");
  const char* const place = bytes.view().data();
  Bytes to(50, 'o');
  SharedBytes other = bytes;
  std::move(bytes).move_first_to(text.size(), to);
  EXPECT_TRUE(to == text);
  EXPECT_NE(to.data(), place);
  std::move(other).move_first_to(text.size(), to);
  EXPECT_TRUE(to == text);
  EXPECT_EQ(to.data(), place);
  EXPECT_TRUE(other.view().empty());
}

TEST(SharedBytes, MemoryThatIsTakenFromThemIsReplacedByThatOfTheTaker) {
  const auto spares = boost::make_local_shared<SpareBytes>();
  Bytes to(kSize, 'o');
  SharedBytes(Bytes(kSize, 'x'), spares).move_first_to(kSize, to);
  EXPECT_EQ(to.front(), 'x');
  EXPECT_EQ(spares->take(kSize).front(), 'o');
}

TEST(SpareBytes, AreOfTheSizeThatIsWanted) {
  SpareBytes spares;
  spares.put(Bytes(2 * kSize, 'a'));
  EXPECT_EQ(spares.take(kSize + 1).size(), kSize + 1);
  spares.put(Bytes(kSize, 'a'));
  EXPECT_EQ(spares.take(10 * kSize), Bytes(10 * kSize, '\0'));
}

TEST(SpareBytes, AreFewAndNeitherSmallNorHuge) {
  SpareBytes spares;
  const auto is_kept = [&](Bytes bytes) {
    const std::size_t size = bytes.size();
    spares.put(std::move(bytes));
    return spares.take(std::max(size, kSize)).front() == 'a';
  };
  EXPECT_TRUE(is_kept(Bytes(kSize, 'a')));
  EXPECT_TRUE(is_kept(Bytes(SpareBytes::kLargest, 'a')));
  EXPECT_FALSE(is_kept(Bytes(SpareBytes::kLargest + 1, 'a')));
  EXPECT_FALSE(is_kept(Bytes(kSize - 1, 'a')));
  for (std::size_t i = 0; i < SpareBytes::kMost; ++i) spares.put(Bytes(kSize, 'a'));
  spares.put(Bytes(kSize, 'b'));
  for (std::size_t i = 0; i < SpareBytes::kMost; ++i) EXPECT_EQ(spares.take(kSize).front(), 'a');
  EXPECT_EQ(spares.take(kSize).front(), '\0');
}

}  // namespace
