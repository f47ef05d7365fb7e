#include "base/in_order.hpp"

#include <gtest/gtest.h>

namespace {

using parrun::InOrder;

TEST(InOrder, ThingsComeOutByTheirNumbersAsSoonAsAllBeforeThemHave) {
  InOrder<char> order;
  order.put(1, 'b');
  EXPECT_EQ(order.take_next(), std::nullopt);
  order.put(0, 'a');
  EXPECT_EQ(order.take_next(), 'a');
  EXPECT_EQ(order.take_next(), 'b');
  EXPECT_EQ(order.take_next(), std::nullopt);
}

TEST(InOrder, AGapIsPassedWhenThatIsAskedFor) {
  InOrder<char> order;
  order.put(5, 'f');
  order.put(3, 'd');
  EXPECT_EQ(order.take_over_gap(), 'd');
  EXPECT_EQ(order.take_next(), std::nullopt);
  EXPECT_EQ(order.size(), 1U);
  EXPECT_EQ(order.take_over_gap(), 'f');
  EXPECT_EQ(order.take_over_gap(), std::nullopt);
}

}  // namespace
