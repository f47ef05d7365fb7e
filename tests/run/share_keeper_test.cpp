#include "run/share_keeper.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>

namespace {

using namespace parrun;
using ::testing::HasSubstr;

class ShareKeeperTest : public ::testing::Test {
 protected:
  std::string read(std::uint64_t id) const {
    const SharePlace place = shares->find(id).value();
    return {static_cast<const char*>(map_shared(place).get()), place.bytes};
  }

  std::shared_ptr<ShareTable> shares = std::make_shared<ShareTable>();
  ShareKeeper keeper{shares};
};

TEST_F(ShareKeeperTest, AnswersWhenTheLastPieceIsThereAndNotBefore) {
  EXPECT_FALSE(keeper.on(ShareBytes{1, 5, 0, "ab"}));
  EXPECT_FALSE(shares->find(1));
  const auto answer = keeper.on(ShareBytes{1, 5, 2, "cde"});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->id, 1U);
  EXPECT_EQ(answer->problem, "");
  EXPECT_EQ(answer->place.pid, getpid());
  EXPECT_EQ(shares->find(1), answer->place);
  EXPECT_EQ(read(1), "abcde");
}

TEST_F(ShareKeeperTest, FindsWhatAnotherKeeps) {
  ShareKeeper other(std::make_shared<ShareTable>());
  const auto kept = other.on(ShareBytes{1, 3, 0, "abc"});
  EXPECT_EQ(keeper.on(ShareAt{1, kept->place}).problem, "");
  EXPECT_EQ(read(1), "abc");
}

TEST_F(ShareKeeperTest, SaysThatItCannotReadWhatAnotherKeeps) {
  const ShareReady answer = keeper.on(ShareAt{1, {.pid = getpid(), .fd = 9999, .inode = 5, .bytes = 3}});
  EXPECT_EQ(answer.id, 1U);
  EXPECT_THAT(answer.problem, HasSubstr("cannot open this node's copy"));
  EXPECT_FALSE(shares->find(1));
}

TEST_F(ShareKeeperTest, SaysOnceThatThereIsNoMemory) {
  const auto answer = keeper.on(ShareBytes{1, std::uint64_t{1} << 50, 0, "ab"});
  ASSERT_TRUE(answer);
  EXPECT_THAT(answer->problem, HasSubstr("does not fit"));
  EXPECT_FALSE(keeper.on(ShareBytes{1, std::uint64_t{1} << 50, 2, "cd"})) << "it was under way";
}

TEST_F(ShareKeeperTest, LetsGoOfWhatIsReleasedWholeOrNot) {
  const auto whole = keeper.on(ShareBytes{1, 3, 0, "abc"});
  keeper.on(ShareBytes{2, 3, 0, "ab"});
  keeper.on(Unshare{1});
  keeper.on(Unshare{2});
  keeper.on(Unshare{3});  // which never came here
  EXPECT_FALSE(shares->find(1));
  EXPECT_EQ(fcntl(whole->place.fd, F_GETFD), -1) << "its descriptor is closed";
  EXPECT_FALSE(keeper.on(ShareBytes{2, 3, 2, "c"}));
}

TEST_F(ShareKeeperTest, LeavesNothingInTheTableAtItsEnd) {
  {
    ShareKeeper one(shares);
    one.on(ShareBytes{1, 3, 0, "abc"});
    EXPECT_TRUE(shares->find(1));
  }
  EXPECT_FALSE(shares->find(1));
}

}  // namespace
