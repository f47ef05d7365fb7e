#include "doctor/cores.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

namespace {

using namespace parrun::doctor;
using ::testing::ElementsAre;

TEST(Cores, AreWrittenAsRanges) {
  EXPECT_EQ(ranges({}), "");
  EXPECT_EQ(ranges({3}), "3");
  EXPECT_EQ(ranges({0, 1, 2, 3}), "0-3");
  EXPECT_EQ(ranges({0, 2, 3, 7, 9, 10, 11}), "0,2-3,7,9-11");
}

TEST(Cores, AreThoseThatTheKernelTells) {
  EXPECT_FALSE(cores_of(0).empty());
  EXPECT_EQ(cores_of(0), cores_of(getpid()));
  EXPECT_GE(cores_of_host(), 1);
  EXPECT_TRUE(cores_of(-1).empty());
}

TEST(Unbound, WidensAsLongAsItLives) {
  const Numbers all = cores_of(0);
  if (all.size() < 2) GTEST_SKIP();
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(all.front()), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  {
    const Unbound unbound;
    EXPECT_EQ(cores_of(0), all);
  }
  EXPECT_THAT(cores_of(0), ElementsAre(all.front()));
  const Unbound unbound;
}

}  // namespace
