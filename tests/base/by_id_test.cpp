#include "base/by_id.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>

namespace {

using namespace parrun;

std::map<std::uint64_t, std::string> all_of(const ById<std::string>& things) {
  std::map<std::uint64_t, std::string> all;
  things.for_each(
      [&](std::uint64_t id, const std::string& thing) { EXPECT_TRUE(all.emplace(id, thing).second); });
  return all;
}

TEST(ById, HoldsWhatAMapHoldsWhateverComesAndGoes) {
  for (const std::uint64_t most : {std::uint64_t{40}, std::uint64_t{1} << 60}) {
    std::mt19937_64 random(most);
    ById<std::string> things;
    std::map<std::uint64_t, std::string> expected;
    for (int step = 0; step < 20'000; ++step) {
      const std::uint64_t id = random() % most;
      const bool grows = step % 4000 < 2000;
      if (things.contains(id)) {
        if (grows && random() % 4 > 0) continue;
        things.erase(id);
        expected.erase(id);
      } else if (grows || random() % 4 == 0) {
        things.add(id) = expected[id] = std::to_string(id);
      } else if (!expected.empty()) {
        const std::uint64_t other = expected.begin()->first;
        ASSERT_EQ(*things.find(other), expected.at(other));
        things.erase(other);
        expected.erase(other);
      }
      ASSERT_EQ(things.size(), expected.size());
    }
    EXPECT_EQ(all_of(things), expected);
  }
}

TEST(ById, LeavesAThingToTheNextInItsPlace) {
  ById<std::string> things;
  things.add(0) = "first";
  const std::size_t places = things.places();
  EXPECT_EQ(*things.leave(0), "first");
  EXPECT_FALSE(things.contains(0));
  EXPECT_EQ(things.size(), 0U);
  EXPECT_EQ(things.add(places), "first");
  EXPECT_EQ(things.add(2 * places), "") << "the one that lives there has gone elsewhere";
  EXPECT_EQ(things.leave(places), nullptr);
  EXPECT_FALSE(things.contains(places));
  things.erase(2 * places);
  EXPECT_EQ(things.add(0), "");
}

TEST(ById, ShowsThePlaceOfWhatIsStillToCome) {
  ById<std::string> things;
  for (const std::uint64_t id : {1, 2, 3}) things.add(id) = std::to_string(id);
  const std::string* const place = &things.place(4);
  EXPECT_EQ(&things.add(4), place);
  EXPECT_EQ(things.place(3), "3");
}

TEST(ById, KeepsWhatStaysWhileOthersGoOn) {
  ById<std::string> things;
  for (std::uint64_t id = 0; id < 100'000; ++id) {
    things.add(id) = std::to_string(id);
    if (id % 1000 > 0) things.erase(id);
  }
  EXPECT_EQ(things.size(), 100U);
  for (std::uint64_t id = 0; id < 100'000; id += 1000) {
    ASSERT_TRUE(things.contains(id));
    EXPECT_EQ(*things.find(id), std::to_string(id));
    EXPECT_FALSE(things.contains(id + 1));
  }
}

TEST(ById, KeepsNothingOfWhatIsErased) {
  ById<std::shared_ptr<int>> things;
  const auto thing = std::make_shared<int>();
  for (const std::uint64_t id : {0, 16}) things.add(id) = thing;  // of one place
  EXPECT_EQ(thing.use_count(), 3);
  things.erase(0);
  EXPECT_EQ(thing.use_count(), 2);
  things.erase(16);
  EXPECT_EQ(thing.use_count(), 1);
  for (std::uint64_t id = 100; id < 150; ++id) EXPECT_EQ(things.add(id), nullptr);
}

TEST(ById, SaysWhereThereIsNone) {
  ById<int> things;
  EXPECT_THROW(things.at(0), std::out_of_range);
  things.add(0) = 7;
  EXPECT_EQ(things.at(0), 7);
  EXPECT_THROW(things.at(16), std::out_of_range);
}

TEST(ById, IsEmptyAtFirst) {
  const ById<int> things;
  EXPECT_EQ(things.size(), 0U);
  EXPECT_FALSE(things.contains(0));
}

}  // namespace
