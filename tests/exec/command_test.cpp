#include "exec/command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <vector>

#include "exec/capture.hpp"
#include "exec/process_tree.hpp"
#include "support/batches.hpp"
#include "support/temp_dir.hpp"

namespace {

using namespace parrun;
using namespace std::chrono_literals;
using parrun::test::command;
using parrun::test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// What a command leaves running is ended after each test.
class CommandTest : public ::testing::Test {
 protected:
  void SetUp() override { adopt_orphans(); }
  void TearDown() override {
    EXPECT_TRUE(end_descendants(20s, [](const Reaped&) {}));
    prctl(PR_SET_CHILD_SUBREAPER, 0);
  }

  Outcome run(const TaskSpec& spec, char** environment = environ) {
    Outcome outcome;
    run_command(spec, environment, capture.stdout_fd(), capture.stderr_fd(), {}, outcome);
    auto [out, err] = capture.take();
    outcome.stdout_text = std::move(out);
    outcome.stderr_text = std::move(err);
    return outcome;
  }
  static TaskSpec program(std::vector<std::string> argv) {
    TaskSpec spec;
    spec.work = ArgvCommand{std::move(argv)};
    return spec;
  }
  static void expect_failure(const Outcome& outcome, int exit_code, const std::string& what) {
    EXPECT_EQ(outcome.state, State::failed);
    EXPECT_EQ(outcome.exit_code, exit_code);
    EXPECT_EQ(outcome.signal, 0);
    EXPECT_THAT(outcome.error, AllOf(HasSubstr(what), Not(HasSubstr("\n"))));
  }

  Capture capture;
};

TEST_F(CommandTest, AShellLineRunsWithBothStreamsApart) {
  const Outcome outcome = run(command("echo $((6 * 7)) && echo oh >&2"));
  EXPECT_EQ(outcome.state, State::succeeded);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.stdout_text, "42\n");
  EXPECT_EQ(outcome.stderr_text, "oh\n");
}

TEST_F(CommandTest, AProgramIsFoundInPathAndItsArgumentsSeeNoShell) {
  EXPECT_EQ(run(program({"printf", "%s|", "$HOME", "a b", "*"})).stdout_text, "$HOME|a b|*|");
}

// A shell would export PWD.
TEST_F(CommandTest, ALineOfPlainWordsRunsWithoutAShell) {
  std::string path = "PATH=/usr/bin:/bin";
  std::vector<char*> environment{path.data(), nullptr};
  EXPECT_EQ(run(command("/usr/bin/env"), environment.data()).stdout_text, path + "\n");
  EXPECT_THAT(run(command("/usr/bin/env;"), environment.data()).stdout_text, HasSubstr("PWD="));
}

TEST_F(CommandTest, AShellRunsPlainWordsWhereItWouldMakeADifference) {
  const Outcome missing = run(command("no-such-program-anywhere"));
  expect_failure(missing, 127, "exit code 127");
  EXPECT_THAT(missing.stderr_text, HasSubstr("not found"));

  std::string path = "PATH=/usr/bin:/bin";
  std::string folder = "PWD=/no/such/folder";
  std::vector<char*> environment{path.data(), folder.data(), nullptr};
  const std::string here = std::filesystem::current_path().string() + "\n";
  EXPECT_EQ(run(command("printenv PWD"), environment.data()).stdout_text, here);

  TaskSpec elsewhere = command("printenv PWD");
  elsewhere.cwd = "/";
  EXPECT_EQ(run(elsewhere).stdout_text, "/\n");

  TaskSpec other_path = command("printenv PATH");
  other_path.env = {{"PATH", "/no/such/folder"}};
  EXPECT_THAT(run(other_path).stderr_text, HasSubstr("not found"));
}

TEST_F(CommandTest, AnExitCodeAndASignalAreFailures) {
  expect_failure(run(command("exit 3")), 3, "exit code 3");
  const Outcome killed = run(command("kill -KILL $$"));
  EXPECT_EQ(killed.state, State::failed);
  EXPECT_EQ(killed.signal, SIGKILL);
  EXPECT_EQ(killed.exit_code, 128 + SIGKILL);
  EXPECT_EQ(killed.error, "killed by signal 9 (SIGKILL)");
}

TEST_F(CommandTest, AMissingProgramIsNamedWithAShellsCode) {
  expect_failure(run(program({"no-such-program", "x"})), 127,
                 "cannot start 'no-such-program': No such file or directory");
}

TEST_F(CommandTest, AProgramThatMayNotBeExecutedIsNamedWithAShellsCode) {
  const TempDir dir;
  const std::string path = dir.write("script", "#!/bin/sh\n");
  expect_failure(run(program({path})), 126, "Permission denied");
}

TEST_F(CommandTest, AMissingDirectoryIsNamed) {
  TaskSpec spec = command("true");
  spec.cwd = "/no/such/directory";
  const Outcome outcome = run(spec);
  EXPECT_EQ(outcome.state, State::failed);
  EXPECT_EQ(outcome.error, "cannot start in the directory '/no/such/directory': No such file or directory");
}

TEST_F(CommandTest, AFileIsNoDirectoryToStartIn) {
  const TempDir dir;
  TaskSpec spec = command("true");
  spec.cwd = dir.write("file", "");
  errno = EAGAIN;  // of something else
  EXPECT_EQ(run(spec).error, "cannot start in the directory '" + spec.cwd + "': Not a directory");
}

TEST_F(CommandTest, ItRunsInItsDirectory) {
  const TempDir dir;
  TaskSpec spec = command("pwd");
  spec.cwd = dir.path();
  EXPECT_EQ(run(spec).stdout_text, dir.path().string() + "\n");
}

TEST_F(CommandTest, ItsVariablesAreAddedToTheInheritedOnesAndReplaceThem) {
  ASSERT_EQ(setenv("PARRUN_TEST_A", "inherited", 1), 0);
  ASSERT_EQ(setenv("PARRUN_TEST_AB", "kept", 1), 0);
  TaskSpec spec = command("env | grep PARRUN_TEST_ | sort");
  spec.env = {{"PARRUN_TEST_A", "own"}, {"PARRUN_TEST_C", "a=b c"}};
  EXPECT_EQ(run(spec).stdout_text, "PARRUN_TEST_A=own\nPARRUN_TEST_AB=kept\nPARRUN_TEST_C=a=b c\n");
  unsetenv("PARRUN_TEST_A");
  unsetenv("PARRUN_TEST_AB");
}

TEST_F(CommandTest, ItsStdinIsTheGivenTextOrEmpty) {
  TaskSpec spec = command("wc -c");
  EXPECT_EQ(run(spec).stdout_text, "0\n");
  spec = command("cat");
  spec.stdin_text = std::string("a\0b\n", 4) + std::string(1 << 20, 'x');
  EXPECT_TRUE(run(spec).stdout_text == spec.stdin_text);
}

TEST_F(CommandTest, MegabytesOnBothStreamsComeWhole) {
  const Outcome outcome = run(command("head -c 5000000 /dev/zero & head -c 4000000 /dev/zero >&2; wait"));
  EXPECT_EQ(outcome.stdout_text.size(), 5'000'000U);
  EXPECT_EQ(outcome.stderr_text.size(), 4'000'000U);
}

TEST_F(CommandTest, ItStartsWithSignalsAsTheyAreByDefault) {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigprocmask(SIG_BLOCK, &term, nullptr);
  const auto old = signal(SIGUSR1, SIG_IGN);
  EXPECT_EQ(run(command("kill -TERM $$")).signal, SIGTERM);
  EXPECT_EQ(run(command("kill -USR1 $$")).signal, SIGUSR1);
  signal(SIGUSR1, old);
  sigprocmask(SIG_UNBLOCK, &term, nullptr);
}

TEST_F(CommandTest, ASignalToItsProcessGroupReachesNobodyElse) {
  EXPECT_EQ(run(command("kill -TERM 0; sleep 100")).signal, SIGTERM);
}

// What it leaves behind.

TEST_F(CommandTest, ADescendantThatHoldsItsOutputOpenIsNotWaitedFor) {
  const Outcome outcome = run(command("sleep 1000 & echo done"));
  EXPECT_TRUE(outcome.succeeded());
  EXPECT_EQ(outcome.stdout_text, "done\n");
}

TEST_F(CommandTest, ADescendantThatWritesForEverIsNotWaitedFor) {
  EXPECT_TRUE(run(command("yes & exit 0")).succeeded());
  EXPECT_TRUE(run(command("yes >&2 & sleep 0.05")).succeeded());
}

TEST_F(CommandTest, AClosedStdoutIsNotTheEnd) {
  EXPECT_EQ(run(command("exec >&- 2>&-; sleep 0.02; exit 5")).exit_code, 5);
}

TEST_F(CommandTest, NoDescriptorIsLeftOpen) {
  const auto open_descriptors = [] {
    const Descriptor next(dup(STDIN_FILENO));
    return next.get();
  };
  const int before = open_descriptors();
  for (int i = 0; i < 20; ++i) {
    TaskSpec spec = command("cat");
    spec.stdin_text = "x";
    run(spec);
    run(program({"no-such-program"}));
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(CommandTest, OfALongOutputAByteMoreThanTheLimitIsCopied) {
  Outcome outcome;
  run_command(command("yes | head -c 1000000; echo end >&2"), environ, capture.stdout_fd(),
              capture.stderr_fd(), 1000, outcome);
  EXPECT_EQ(outcome.state, State::succeeded);
  const auto [out, err] = capture.take();
  EXPECT_EQ(out.size(), 1001U);
  EXPECT_EQ(err, "end\n");
}

TEST_F(CommandTest, OneThatStopsItselfIsEndedAndItsSignalNamed) {
  const Outcome outcome = run(command("kill -STOP $$; echo continued"));
  EXPECT_EQ(outcome.state, State::failed);
  EXPECT_EQ(outcome.signal, SIGSTOP);
  EXPECT_EQ(outcome.exit_code, 128 + SIGSTOP);
  EXPECT_EQ(outcome.error, "stopped by signal 19 (SIGSTOP)");
  EXPECT_EQ(outcome.stdout_text, "");
}

TEST_F(CommandTest, OneThatStopsItselfInAnotherGroupIsEndedToo) {
  const Outcome outcome =
      run(command("exec perl -e '$child = fork; if (!$child) { setpgrp 0, 0; sleep 1000 } "
                  "1 until setpgrp 0, $child; kill STOP => $$'"));
  EXPECT_EQ(outcome.error, "stopped by signal 19 (SIGSTOP)");
}

// Else there would be none for others in the end.
TEST_F(CommandTest, ItsOrphansAreReapedWhileItRuns) {
  const Outcome outcome =
      run(command("for i in 1 2 3 4 5; do (/bin/true &); done; tries=0; "
                  "until [ $(ps --ppid " +
                  std::to_string(getpid()) +
                  " -o stat= | grep -c Z) = 0 ]; do tries=$((tries + 1)); [ $tries -lt 500 ] || exit 1; "
                  "sleep 0.02; done"));
  EXPECT_EQ(outcome.state, State::succeeded);
}

TEST_F(CommandTest, OneThatIsContinuedAtOnceGoesOn) {
  const Outcome outcome = run(command("(sleep 0.02; kill -CONT $$) & kill -STOP $$; echo continued"));
  EXPECT_EQ(outcome.state, State::succeeded);
  EXPECT_EQ(outcome.stdout_text, "continued\n");
}

TEST_F(CommandTest, ItsPeakMemoryIsTold) {
  const Outcome outcome = run(command("head -c 60000000 /dev/zero | tail | wc -c"));
  EXPECT_EQ(outcome.stdout_text, "60000000\n");
  EXPECT_GT(outcome.max_rss_kb, 50'000);
}

}  // namespace
