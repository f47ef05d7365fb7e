#include "run/sharing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "exec/share_table.hpp"
#include "support/fake_transport.hpp"
#include "support/manual_clock.hpp"

namespace {

using namespace parrun;
using parrun::test::FakeTransport;
using parrun::test::ManualClock;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// Rank 0 and worker 1 are on node a, 2 and 3 on node b, 4 on node c.
class SharingTest : public ::testing::Test {
 protected:
  SharingTest() {
    const char* const nodes[] = {"", "a", "b", "b", "c"};
    for (int rank = 1; rank < 5; ++rank) {
      Hello hello{"host-" + std::string(nodes[rank]), rank, "", {}, true, nodes[rank]};
      transport.arrive(hello, Rank(rank));
    }
    crew.listen(clock.now());
  }

  void turn() {
    crew.listen(clock.now());
    sharing->turn();
  }
  /// This node's copy is made.
  void fill() {
    for (int i = 0; i < 100 && sharing->turn(); ++i) crew.listen(clock.now());
  }
  void answer(int rank, std::uint64_t id, const std::string& problem = {}) {
    transport.arrive(ShareReady{id, place_of(rank), problem}, Rank(rank));
    turn();
  }
  static SharePlace place_of(int rank) { return {.pid = 100 + rank, .fd = rank, .inode = 5, .bytes = 3}; }

  /// All of it, as it goes well.
  detail::SharedCopy share(const std::string& value, std::uint64_t id) {
    sharing->begin(value);
    fill();
    for (const int keeper : {2, 4}) transport.take<ShareBytes>(Rank(keeper));
    for (const int rank : {1, 2, 4}) answer(rank, id);
    transport.take<ShareAt>(Rank(1));
    transport.take<ShareAt>(Rank(3));
    answer(3, id);
    EXPECT_TRUE(sharing->done());
    return sharing->finish();
  }
  void expect_unshared(std::uint64_t id) {
    for (int rank = 1; rank < 5; ++rank) EXPECT_EQ(transport.take<Unshare>(Rank(rank)).id, id);
  }

  ManualClock clock;
  FakeTransport transport{Rank(0), 5};
  Crew crew{transport, Limits{}, clock.now(), {}};
  std::uint64_t last_id = 0;
  std::shared_ptr<Sharing> sharing = std::make_shared<Sharing>(crew, "a", last_id);
};

TEST_F(SharingTest, TheFirstWorkerOfEachOtherNodeGetsTheBytesAndTheOthersAreToldWhereTheyLie) {
  sharing->begin("abc");
  turn();
  EXPECT_EQ(transport.take<ShareAt>(Rank(1)).place.pid, getpid()) << "rank 0 keeps its own node's copy";
  for (const int keeper : {2, 4}) {
    const auto piece = transport.take<ShareBytes>(Rank(keeper));
    EXPECT_EQ(piece.id, 1U);
    EXPECT_EQ(piece.total, 3U);
    EXPECT_EQ(piece.bytes, "abc");
  }
  transport.expect_empty();
  answer(2, 1);
  const auto at = transport.take<ShareAt>(Rank(3));
  EXPECT_EQ(at.id, 1U);
  EXPECT_EQ(at.place, place_of(2));
  for (const int rank : {1, 3}) answer(rank, 1);
  EXPECT_FALSE(sharing->done()) << "rank 4 has not answered";
  answer(4, 1);
  EXPECT_TRUE(sharing->done());
  const detail::SharedCopy copy = sharing->finish();
  EXPECT_EQ(copy.id, 1U);
  EXPECT_EQ(std::string(static_cast<const char*>(copy.data.get()), 3), "abc");
  transport.expect_empty();
  sharing.reset();  // with the pool, before the handle
}

TEST_F(SharingTest, PiecesAreSentOneAfterAnotherOnlyWhenAllHasLeft) {
  std::string value(2 * Sharing::kPieceBytes + 3, 'x');
  value.back() = 'y';
  sharing->begin(value);
  transport.set_idle(false);
  fill();
  EXPECT_FALSE(transport.has(Rank(2))) << "something is under way";
  transport.take<ShareAt>(Rank(1));
  for (std::size_t sent = 0; sent < value.size();) {
    transport.set_idle(true);
    turn();
    transport.set_idle(false);
    turn();
    const auto piece = transport.take<ShareBytes>(Rank(2));
    EXPECT_EQ(piece.offset, sent);
    EXPECT_LE(piece.bytes.size(), Sharing::kPieceBytes);
    EXPECT_EQ(piece.bytes, value.substr(sent, piece.bytes.size()));
    EXPECT_EQ(transport.take<ShareBytes>(Rank(4)).offset, sent);
    transport.expect_empty();
    sent += piece.bytes.size();
  }
  transport.set_idle(true);
  turn();
  transport.expect_empty();
}

TEST_F(SharingTest, TheCopiesGoWithTheLastHandle) {
  detail::SharedCopy copy = share("abc", 1);
  detail::SharedCopy second = copy;
  copy = {};
  transport.expect_empty();
  second = {};
  expect_unshared(1);
}

TEST_F(SharingTest, WhatAnotherThreadLetsGoIsReleasedOnThisOne) {
  detail::SharedCopy copy = share("abc", 1);
  std::thread([&] { copy = {}; }).join();
  transport.expect_empty();
  sharing->begin("def");
  expect_unshared(1);
  sharing->give_up();
  expect_unshared(2);
}

TEST_F(SharingTest, AHandleMayOutliveThePool) {
  const detail::SharedCopy copy = share("abc", 1);
  sharing.reset();
  EXPECT_EQ(*static_cast<const char*>(copy.data.get()), 'a');
}

TEST_F(SharingTest, ThatOfTheNextPoolGivesNoIdASecondTime) {
  const detail::SharedCopy of_the_first = share("abc", 1);
  sharing = std::make_shared<Sharing>(crew, "a", last_id);
  EXPECT_EQ(share("def", 2).id, 2U);
  expect_unshared(2);
}

TEST_F(SharingTest, ANodeWithoutMemoryIsNamedAndTheOthersLetGo) {
  sharing->begin("abc");
  turn();
  answer(4, 1, "no memory for a shared value of 3 bytes");
  EXPECT_TRUE(sharing->done());
  EXPECT_THAT([&] { sharing->finish(); },
              ThrowsMessage<std::runtime_error>(
                  "a value cannot be shared: rank 4 (host-c): no memory for a shared value of 3 bytes"));
  transport.take<ShareAt>(Rank(1));
  for (const int keeper : {2, 4}) transport.take<ShareBytes>(Rank(keeper));
  expect_unshared(1);
  for (const int rank : {1, 2}) answer(rank, 1);  // too late, and about nothing
  share("def", 2);
  expect_unshared(2);
}

TEST_F(SharingTest, RankZerosOwnLackOfMemoryIsToldBeforeAnythingIsSent) {
  // An array that nobody could have: it is not read before there is a place for it.
  sharing->begin({"abc", std::size_t{1} << 50});
  turn();
  ASSERT_TRUE(sharing->done());
  EXPECT_THAT([&] { sharing->finish(); }, ThrowsMessage<std::runtime_error>(AllOf(
                                              HasSubstr("rank 0 ("), HasSubstr("1.0 PB does not fit"))));
  expect_unshared(1);
}

TEST_F(SharingTest, AWorkerThatLeavesMeanwhileIsNamed) {
  sharing->begin("abc");
  turn();
  transport.arrive(Farewell{}, Rank(4));
  turn();
  EXPECT_THAT([&] { sharing->finish(); },
              ThrowsMessage<std::runtime_error>(HasSubstr("rank 4 (host-c) has failed")));
  transport.take<ShareAt>(Rank(1));
  for (const int keeper : {2, 4}) transport.take<ShareBytes>(Rank(keeper));
  for (const int rank : {1, 2, 3}) transport.take<Unshare>(Rank(rank));
}

TEST_F(SharingTest, AWorkerThatFailedBeforeHasNoPartInIt) {
  transport.fail(Rank(2));
  crew.take_failed();
  sharing->begin("abc");
  fill();
  transport.take<ShareAt>(Rank(1));
  for (const int keeper : {3, 4}) transport.take<ShareBytes>(Rank(keeper));
  for (const int rank : {1, 3, 4}) answer(rank, 1);
  EXPECT_TRUE(sharing->done());
  EXPECT_EQ(sharing->finish().id, 1U);
  for (const int rank : {1, 3, 4}) transport.take<Unshare>(Rank(rank));
}

TEST_F(SharingTest, AsManyAsTheTablesHoldCanBeSharedAndOneMoreWhenOneHasGone) {
  std::vector<detail::SharedCopy> copies;
  for (std::uint64_t id = 1; id <= ShareTable::kCapacity; ++id) copies.push_back(share("abc", id));
  EXPECT_THAT([&] { sharing->begin("abc"); },
              ThrowsMessage<std::runtime_error>(HasSubstr("1024 values are shared already")));
  copies.pop_back();
  expect_unshared(ShareTable::kCapacity);
  copies.push_back(share("abc", ShareTable::kCapacity + 1));
  sharing.reset();
}

TEST(SharingAlone, ALoneRankTellsItsOwnWorker) {
  FakeTransport transport(Rank(0), 1);
  Crew crew(transport, Limits{}, Clock::now(), {});
  transport.arrive(Hello{"host", 1, "", {}, true, "a"}, Rank(0));
  crew.listen(Clock::now());
  std::uint64_t last_id = 0;
  const auto sharing = std::make_shared<Sharing>(crew, "a", last_id);
  sharing->begin("abc");
  sharing->turn();
  transport.take<ShareAt>(Rank(0));
  EXPECT_FALSE(sharing->done());
  transport.arrive(ShareReady{1, {}, ""}, Rank(0));
  crew.listen(Clock::now());
  sharing->turn();
  EXPECT_TRUE(sharing->done());
}

}  // namespace
