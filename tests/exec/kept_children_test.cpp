// What tasks left behind and may keep (--keep-children), while it changes hands.

#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include "exec/executor.hpp"
#include "support/batches.hpp"
#include "support/children.hpp"
#include "support/given_tasks.hpp"
#include "support/harm.hpp"
#include "support/temp_dir.hpp"

namespace {

using namespace std::chrono_literals;
using namespace parrun;
using parrun::test::children_end;
using parrun::test::command;
using parrun::test::wait_until;

// A task has left a process with a child and a grandchild, and another executor lives.
class KeptFamily : public ::testing::Test {
 protected:
  static constexpr auto kBound = 30s;

  KeptFamily() {
    dir.write("family", "echo $$ > $1; if [ $1 -lt 2 ]; then sh family $(($1 + 1)) & fi; exec sleep 1000");
    TaskSpec leaves = command("sh family 0 & while [ ! -s 2 ]; do sleep 0.01; done");
    leaves.cwd = dir.path();
    execute(leaves);
    for (std::size_t i = 0; i < family.size(); ++i) std::ifstream(dir.file(std::to_string(i))) >> family[i];
    execute(command("true"));
  }
  ~KeptFamily() override {
    for (const pid_t pid : family) {
      if (pid > 0) ::kill(pid, SIGKILL);
    }
    executor.reset();
    EXPECT_TRUE(children_end(kBound));
  }

  Assignment give(const TaskSpec& spec) {
    const Assignment id{TaskId(given++)};
    const Bytes payload = encode(spec);
    executor->give(given_task({id, payload}));
    return id;
  }
  template <typename Condition>
  void turn_until(Condition condition) {
    const bool came = wait_until(
        [&] {
          ended = test::outcomes_of(executor->turn(Clock::now()), std::move(ended));
          return condition();
        },
        kBound, 1ms);
    if (!came) throw std::runtime_error("it did not come to that");
  }
  void execute(const TaskSpec& spec) {
    give(spec);
    turn_until([&] { return ended.size() == given; });
  }
  /// Ends one of the family, and waits until it is gone.
  void end(std::size_t which) {
    ::kill(family[which], SIGKILL);
    EXPECT_TRUE(wait_until([&] { return !lives(which); }, kBound));
  }
  bool lives(std::size_t which) const { return test::lives(family[which]); }

  const test::TempDir dir;
  std::unique_ptr<Executor> executor = std::make_unique<Executor>(std::make_unique<ProcessBody>(
      ExecutorSettings{.workdir = {}, .keep_failed = false, .keep_children = true}));
  std::vector<Outcome> ended;
  std::uint64_t given = 0;
  std::array<pid_t, 3> family{};
};

TEST_F(KeptFamily, IsKeptWithoutItsHeadBeyondALaterCrash) {
  end(0);
  execute(command("kill -9 $PPID"));
  EXPECT_TRUE(lives(1));
  EXPECT_TRUE(lives(2));
}

TEST_F(KeptFamily, IsKeptWithoutItsMiddleBeyondALaterTasksLimit) {
  end(1);
  const Assignment sleeps = give(command("sleep 1000"));
  turn_until([&] { return executor->current().has_value(); });
  EXPECT_TRUE(executor->kill(sleeps, State::timed_out, "reached its limit"));
  turn_until([&] { return ended.size() == given; });
  EXPECT_TRUE(lives(0));
  EXPECT_TRUE(lives(2));
}

}  // namespace
