#include "base/process_stat.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace parrun {
namespace {

TEST(ProcessStat, TellsOfAProcessWhateverItsNameHolds) {
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_NAME, "a) R 1 (b");
    raise(SIGSTOP);
    _exit(0);
  }
  waitpid(child, nullptr, WUNTRACED);
  const auto stat = ProcessStat::of(child);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->name(), "a) R 1 (b");
  EXPECT_EQ(stat->state(), 'T');
  EXPECT_EQ(stat->parent(), getpid());
  EXPECT_GT(stat->number(22), 0) << "its start";
  EXPECT_FALSE(ProcessStat::of(child)) << "it is no more";
}

TEST(ProcessStat, OfTheMainThreadIsThatOfWhoAsks) { EXPECT_EQ(ProcessStat::of_main_thread()->state(), 'R'); }

}  // namespace
}  // namespace parrun
