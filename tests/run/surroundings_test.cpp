#include "run/surroundings.hpp"

#include <gtest/gtest.h>
#include <signal.h>

namespace {

using namespace parrun;

TEST(ComesAgain, ARunThatItsJobsEndEndedOrTheWarningOfIt) {
  for (const int signal : {0, SIGUSR1, SIGUSR2})
    EXPECT_EQ(comes_again({.signal = signal, .left = true}), Again::yes) << signal;
}

TEST(ComesAgain, NotOneThatSomebodyWantedToEnd) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    EXPECT_EQ(comes_again({.signal = signal, .left = true}), Again::no) << signal;
}

TEST(ComesAgain, NotOneWithNothingLeftToDo) { EXPECT_EQ(comes_again({.left = false}), Again::no); }

TEST(ComesAgain, OneWithoutAFinishedTaskTwiceButNotForEver) {
  EXPECT_EQ(comes_again({.left = true, .fruitless = true, .fruitless_before = 0}), Again::yes);
  EXPECT_EQ(comes_again({.left = true, .fruitless = true, .fruitless_before = 1}), Again::yes);
  EXPECT_EQ(comes_again({.left = true, .fruitless = true, .fruitless_before = 2}), Again::in_vain);
  EXPECT_EQ(comes_again({.left = true, .fruitless = false, .fruitless_before = 9}), Again::yes);
}

}  // namespace
