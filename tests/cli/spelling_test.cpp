#include "cli/spelling.hpp"

#include <gtest/gtest.h>

namespace parrun {
namespace {

TEST(Spelling, OfSeveralTheNearestIsMeant) {
  const std::vector<std::string> names{"--timeout", "--on-timeout", "--stall", "--halt"};
  EXPECT_EQ(nearest("--timout", names), "--timeout");
  EXPECT_EQ(nearest("--tiemout", names), "--timeout");
  EXPECT_EQ(nearest("--ontimeout", names), "--on-timeout");
  EXPECT_EQ(nearest("--stal", names), "--stall");
}

TEST(Spelling, WhatIsLikeNoneIsMeantForNone) {
  EXPECT_EQ(nearest("--jobs", {"--timeout", "--joblog"}), "");
  EXPECT_EQ(nearest("", {"pack", "show"}), "");
  EXPECT_EQ(nearest("pack", {}), "");
}

TEST(Spelling, TwoLettersThatAreSwappedAreOneEdit) {
  EXPECT_EQ(nearest("pcak", {"pack"}), "pack");
  EXPECT_EQ(nearest("pcka", {"pack"}), "");
}

}  // namespace
}  // namespace parrun
