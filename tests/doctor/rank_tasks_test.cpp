#include "doctor/rank_tasks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/registry.hpp"

namespace {

using namespace parrun;
using namespace parrun::doctor;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What the task returns, executed here.
std::string value_of(const TaskSpec& spec) {
  const Call& call = std::get<Call>(spec.work);
  return find_function(call.function)->call(call.arguments);
}

TEST(RankTasks, ARankTellsWhatItsHostTells) {
  EXPECT_EQ(executor_cores_of(value_of(executor_task())), cores_of(0));
}

TEST(RankTasks, PidsAreReadFromWhatATaskWrote) {
  EXPECT_THAT(pids_in("12 13\n"), ElementsAre(12, 13));
  EXPECT_THAT(pids_in("12 -1\n"), ElementsAre(12)) << "it could not fork";
  EXPECT_THAT(pids_in(""), IsEmpty());
  EXPECT_THAT(pids_in("cut"), IsEmpty());
}

TEST(RankTasks, TheLivingAreFoundAndTheDeadAreNot) {
  const pid_t child = fork();
  if (child == 0) {
    for (;;) pause();
  }
  EXPECT_THAT(survivors_of(value_of(survivors_task({child}))), ElementsAre(child));
  kill(child, SIGKILL);
  waitid(P_PID, static_cast<id_t>(child), nullptr, WEXITED | WNOWAIT);
  EXPECT_THAT(survivors_of(value_of(survivors_task({child}))), IsEmpty()) << "a zombie lives no more";
  waitpid(child, nullptr, 0);
  EXPECT_THAT(survivors_of(value_of(survivors_task({child}))), IsEmpty());
}

}  // namespace
