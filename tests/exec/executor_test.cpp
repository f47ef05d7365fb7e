#include "exec/executor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "batch/task_spec.hpp"
#include "core/outcome.hpp"
#include "parrun/task.hpp"
#include "support/batches.hpp"
#include "support/children.hpp"
#include "support/given_tasks.hpp"
#include "support/sanitizers.hpp"
#include "support/temp_dir.hpp"

namespace {

using namespace std::chrono_literals;
using namespace parrun;
using parrun::test::children_end;
using parrun::test::command;
using parrun::test::ids_of;
using parrun::test::outcomes_of;
using parrun::test::TempDir;
using parrun::test::wait_until;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct NotAnException {};

int executor_doubles(int value) { return 2 * value; }
std::string executor_echoes(const std::string& text) { return text; }
void executor_throws(const std::string& what) { throw std::out_of_range(what); }
void executor_throws_a_struct() { throw NotAnException(); }
void executor_exits(int code) {
  std::cout << "before the end" << std::endl;
  std::exit(code);
}
void executor_aborts() { std::abort(); }
void executor_raises(int signal) { raise(signal); }
int executor_prints(int value) {
  std::cout << "to stdout " << value;
  std::cerr << "to stderr " << value;
  return value;
}
int executor_process() { return getpid(); }
std::string executor_makes(std::size_t size) { return std::string(size, 'x'); }
std::string executor_index() { return std::getenv("PARRUN_TASK_INDEX"); }
// Without a system call, and from then on std::cout has a buffer of its own.
void executor_prints_apart_from_stdio(const std::string& text) {
  std::ios::sync_with_stdio(false);
  std::cout << text;
}
void executor_leaves_a_process(const std::string& pid_file) {
  [[maybe_unused]] const int status = std::system(("setsid sleep 1000 & echo $! > " + pid_file).c_str());
  std::abort();
}
void executor_closes_everything() {
  for (int fd = 0; fd < 1024; ++fd) close(fd);
}
void executor_replaces_stdin() {
  const int file = memfd_create("not empty", 0);
  if (write(file, "text", 4) != 4 || lseek(file, 0, SEEK_SET) != 0) std::abort();
  dup2(file, STDIN_FILENO);
  close(file);
}
std::FILE* executor_file = nullptr;
void executor_opens(const std::string& path) {
  executor_file = std::fopen(path.c_str(), "w");
  std::fputs("opened", executor_file);
}
void executor_writes() { std::fputs(", written", executor_file); }
char executor_buffer[BUFSIZ];
void executor_prints_to_a_buffered_stderr() {
  std::setvbuf(stderr, executor_buffer, _IOFBF, sizeof executor_buffer);
  std::fputs("buffered", stderr);
}
void executor_spins_closed() {
  executor_closes_everything();
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  for (;;) sched_yield();
}
void executor_prints_without_end() {
  for (;;) std::cout << std::string(1000, 'x') << std::endl;
}
void executor_tells_its_place() {
  const char* value = std::getenv("EXECUTOR_TEST");
  std::cout << (value != nullptr ? value : "unset") << " in " << std::filesystem::current_path().string();
}
void executor_pid() { std::cout << getpid(); }
void executor_leaks(std::size_t bytes) { std::memset(std::malloc(bytes), 1, bytes); }
std::size_t executor_uses(std::size_t bytes) { return std::vector<char>(bytes, 'x').size(); }
void executor_prints_and_closes() {
  std::cout << "before" << std::flush;
  close(STDOUT_FILENO);
}
void executor_leaves_descriptors(int count) {
  for (int i = 0; i < count; ++i) {
    if (dup(STDERR_FILENO) < 0) std::abort();
  }
}
PARRUN_TASK(executor_prints_and_closes);
PARRUN_TASK(executor_leaves_descriptors);
PARRUN_TASK(executor_prints_without_end);
PARRUN_TASK(executor_tells_its_place);
PARRUN_TASK(executor_pid);
PARRUN_TASK(executor_leaks);
PARRUN_TASK(executor_uses);
PARRUN_TASK(executor_doubles);
PARRUN_TASK(executor_echoes);
PARRUN_TASK(executor_throws);
PARRUN_TASK(executor_throws_a_struct);
PARRUN_TASK(executor_exits);
PARRUN_TASK(executor_aborts);
PARRUN_TASK(executor_raises);
PARRUN_TASK(executor_process);
PARRUN_TASK(executor_makes);
PARRUN_TASK(executor_index);
PARRUN_TASK(executor_prints_apart_from_stdio);
PARRUN_TASK(executor_prints);
PARRUN_TASK(executor_leaves_a_process);
PARRUN_TASK(executor_closes_everything);
PARRUN_TASK(executor_replaces_stdin);
PARRUN_TASK(executor_opens);
PARRUN_TASK(executor_writes);
PARRUN_TASK(executor_prints_to_a_buffered_stderr);
PARRUN_TASK(executor_spins_closed);

template <typename R>
TaskSpec spec_of(const Task<R>& task) {
  return test::call(task.fields().function, task.fields().arguments);
}

// Real executors: zygote, processes and all.
class ExecutorTest : public ::testing::Test {
 protected:
  static constexpr auto kBound = 30s;

  void TearDown() override {
    executor.reset();
    EXPECT_TRUE(children_end(kBound)) << "a zygote is left behind";
  }

  TaskId give(const TaskSpec& spec, bool json = false) {
    const TaskId task(given++);
    const AttemptTerms now{.json_values = json,
                           .rank = 3,
                           .ranks = 8,
                           .resources = limits,
                           .most_value_bytes = most_value_bytes};
    if (now != terms) executor->set_terms(terms = now, std::nullopt);
    const Bytes payload = encode(spec);
    executor->give(given_task({{task}, payload}));
    return task;
  }
  template <typename R>
  TaskId give(const Task<R>& task, bool json = false) {
    return give(spec_of(task), json);
  }

  /// Turns until `condition` holds.
  template <typename Condition>
  bool turn_until(Condition condition) {
    const TimePoint end = Clock::now() + kBound;
    for (;;) {
      for (Outcome& one : outcomes_of(executor->turn(Clock::now()))) ended.push_back(std::move(one));
      if (condition()) return true;
      if (Clock::now() >= end) return false;
      executor->await(1ms);
    }
  }

  /// The oldest outcome that was not looked at; waits for it.
  Outcome next() {
    if (!turn_until([&] { return !ended.empty(); })) throw std::runtime_error("no outcome came");
    Outcome first = std::move(ended.front());
    ended.erase(ended.begin());
    return first;
  }

  Outcome outcome_of(const auto& task) {
    const TaskId id = give(task);
    Outcome outcome = next();
    EXPECT_EQ(outcome.task, id);
    return outcome;
  }

  bool runs(TaskId task) {
    return turn_until([&] {
      const auto current = executor->current();
      return current && current->attempt.task == task;
    });
  }

  void kill(TaskId task) { EXPECT_TRUE(executor->kill({task, 1}, State::timed_out, "reached its limit")); }

  /// The process id that a task writes to `path`.
  pid_t pid_from(const std::string& path) {
    pid_t pid = 0;
    turn_until([&] { return static_cast<bool>(std::ifstream(path) >> pid); });
    return pid;
  }

  std::unique_ptr<Executor> executor = std::make_unique<Executor>(std::make_unique<ProcessBody>());
  std::vector<Outcome> ended;
  std::uint64_t given = 0;
  ResourceLimits limits;
  std::uint64_t most_value_bytes = 0;
  AttemptTerms terms;  ///< that the executor has
};

// Outcomes.

TEST_F(ExecutorTest, ACommandSucceedsWithItsOutputKeptApart) {
  const Outcome outcome = outcome_of(command("echo out; echo err >&2"));
  EXPECT_EQ(outcome.state, State::succeeded);
  EXPECT_EQ(outcome.stdout_text, "out\n");
  EXPECT_EQ(outcome.stderr_text, "err\n");
  EXPECT_EQ(outcome.error, "");
  EXPECT_GT(outcome.started_s, 1e9);
  EXPECT_GT(outcome.elapsed_s, 0);
  EXPECT_FALSE(executor->has_tasks());
}

TEST_F(ExecutorTest, ACommandFailsWithItsExitCodeAndTheNextOneRuns) {
  const Outcome outcome = outcome_of(command("exit 7"));
  EXPECT_EQ(outcome.state, State::failed);
  EXPECT_EQ(outcome.exit_code, 7);
  EXPECT_EQ(outcome.error, "exit code 7");
  EXPECT_TRUE(outcome_of(command("true")).succeeded());
}

TEST_F(ExecutorTest, ACommandThatASignalEndsIsItsOwnFailure) {
  const Outcome outcome = outcome_of(command("kill -TERM $$"));
  EXPECT_EQ(outcome.state, State::failed);
  EXPECT_EQ(outcome.signal, SIGTERM);
  EXPECT_EQ(outcome.exit_code, 128 + SIGTERM);
  EXPECT_THAT(outcome.error, HasSubstr("SIGTERM"));
}

TEST_F(ExecutorTest, AFunctionReturnsItsValueAsArchiveOrAsJson) {
  const Outcome archived = outcome_of(task<executor_doubles>(21));
  EXPECT_TRUE(archived.succeeded());
  EXPECT_FALSE(archived.value_is_json);
  EXPECT_EQ(std::get<0>(detail::from_bytes<int>(archived.value)), 42);
  give(task<executor_doubles>(-4), true);
  const Outcome json = next();
  EXPECT_TRUE(json.value_is_json);
  EXPECT_EQ(json.value, "-8");
}

TEST_F(ExecutorTest, AResultThatIsLargerThanWasAgreedIsTheTasksFailure) {
  most_value_bytes = 1000;
  EXPECT_TRUE(outcome_of(task<executor_echoes>(std::string(900, 'x'))).succeeded());
  const Outcome large = outcome_of(task<executor_echoes>(std::string(1100, 'x')));
  EXPECT_EQ(large.state, State::failed);
  EXPECT_EQ(large.value, "");
  EXPECT_THAT(large.error, ::testing::AllOf(HasSubstr("its result of 1."), HasSubstr("1000 bytes")));
}

TEST_F(ExecutorTest, AMessageOfAnySizeIsCut) {
  const Outcome outcome = outcome_of(task<executor_throws>(std::string(3'000'000, 'x')));
  EXPECT_LT(outcome.error.size(), 2'000'000U);
  EXPECT_THAT(outcome.error.substr(outcome.error.size() - 30), HasSubstr("cut here"));
}

TEST_F(ExecutorTest, AFunctionsOutputIsItsOwn) {
  for (const int value : {1, 2}) {
    const Outcome outcome = outcome_of(task<executor_prints>(value));
    EXPECT_EQ(outcome.stdout_text, "to stdout " + std::to_string(value));
    EXPECT_EQ(outcome.stderr_text, "to stderr " + std::to_string(value));
  }
}

TEST_F(ExecutorTest, WhatStdCoutKeepsForItselfIsItsTasksOutput) {
  for (const std::string text : {"first", "second"}) {
    EXPECT_EQ(outcome_of(task<executor_prints_apart_from_stdio>(text)).stdout_text, text);
  }
  EXPECT_EQ(outcome_of(task<executor_doubles>(1)).stdout_text, "");
}

TEST_F(ExecutorTest, AnOutcomeHasNothingOfTheOneBefore) {
  const std::string much(10'000, 'x');
  EXPECT_EQ(std::get<0>(detail::from_bytes<std::string>(outcome_of(task<executor_echoes>(much)).value)),
            much);
  EXPECT_EQ(outcome_of(task<executor_throws>(much)).value, "");
  EXPECT_EQ(outcome_of(task<executor_prints>(1)).error, "");
  EXPECT_EQ(outcome_of(command("exit 3")).stdout_text, "");
  const Outcome last = outcome_of(task<executor_echoes>(std::string("y")));
  EXPECT_TRUE(last.succeeded());
  EXPECT_EQ(std::get<0>(detail::from_bytes<std::string>(last.value)), "y");
  EXPECT_EQ(last.exit_code, 0);
  EXPECT_EQ(last.error_type + last.error + last.stderr_text + last.warning, "");
}

TEST_F(ExecutorTest, WhatTheRankHadNotFlushedIsNoTasksOutput) {
  std::printf("(not flushed)");
  executor = std::make_unique<Executor>(std::make_unique<ProcessBody>());
  EXPECT_EQ(outcome_of(task<executor_prints>(1)).stdout_text, "to stdout 1");
  std::printf("\n");
}

TEST_F(ExecutorTest, AnExceptionIsTheTasksFailureWithItsTypeAndMessage) {
  const Outcome outcome = outcome_of(task<executor_throws>("no such cell"));
  EXPECT_EQ(outcome.state, State::failed);
  EXPECT_EQ(outcome.error_type, "std::out_of_range");
  EXPECT_EQ(outcome.error, "std::out_of_range: no such cell");
}

TEST_F(ExecutorTest, WhatIsThrownAndNoExceptionIsNamedToo) {
  const Outcome outcome = outcome_of(task<executor_throws_a_struct>());
  EXPECT_EQ(outcome.state, State::failed);
  EXPECT_THAT(outcome.error_type, HasSubstr("NotAnException"));
}

TEST_F(ExecutorTest, AFunctionThatExitsFailsWhateverTheCodeAndKeepsItsOutput) {
  for (const int code : {0, 5}) {
    const Outcome outcome = outcome_of(task<executor_exits>(code));
    EXPECT_EQ(outcome.state, State::failed);
    EXPECT_EQ(outcome.exit_code, code);
    EXPECT_EQ(outcome.error, "the task called exit(" + std::to_string(code) + ")");
    EXPECT_THAT(outcome.stdout_text, HasSubstr("before the end"));
    EXPECT_GT(outcome.started_s, 1e9);
  }
}

TEST_F(ExecutorTest, AFunctionThatAbortsOrIsKilledFailsAlone) {
  const Outcome aborted = outcome_of(task<executor_aborts>());
  EXPECT_EQ(aborted.state, State::failed);
  EXPECT_EQ(aborted.signal, SIGABRT);
  EXPECT_THAT(aborted.error, HasSubstr("SIGABRT"));
  EXPECT_EQ(outcome_of(task<executor_raises>(SIGKILL)).signal, SIGKILL);
  EXPECT_TRUE(outcome_of(task<executor_doubles>(1)).succeeded());
}

TEST_F(ExecutorTest, AnUnknownFunctionAndABadPayloadFailAlone) {
  EXPECT_THAT(outcome_of(test::call("no_such_function")).error, HasSubstr("no_such_function"));
  GivenTask nonsense;
  nonsense.id.task = TaskId(given++);
  nonsense.order = encode(AttemptOrder{nonsense.id, "nonsense"});
  executor->give(std::move(nonsense));
  EXPECT_EQ(next().state, State::failed);
  EXPECT_TRUE(outcome_of(command("true")).succeeded());
}

TEST_F(ExecutorTest, ATaskThatClosesAllDescriptorsHarmsNoOther) {
  give(task<executor_closes_everything>());
  give(task<executor_prints>(1));
  give(command("echo still here"));
  EXPECT_TRUE(next().succeeded());
  EXPECT_EQ(next().stdout_text, "to stdout 1");
  EXPECT_EQ(next().stdout_text, "still here\n");
}

TEST_F(ExecutorTest, WhatATaskWritesToAFileOfAnEarlierOneIsThereWhenItHasEnded) {
  const TempDir dir;
  const auto text = [&] {
    std::string read;
    std::getline(std::ifstream(dir.file("file")), read);
    return read;
  };
  outcome_of(task<executor_opens>(dir.file("file")));
  EXPECT_EQ(text(), "opened");
  outcome_of(task<executor_writes>());
  EXPECT_EQ(text(), "opened, written");
}

TEST_F(ExecutorTest, WhatABufferHoldsOfATasksStderrIsTheTasks) {
  EXPECT_EQ(outcome_of(task<executor_prints_to_a_buffered_stderr>()).stderr_text, "buffered");
}

TEST_F(ExecutorTest, ACommandCannotWriteToItsStdin) {
  EXPECT_FALSE(outcome_of(command("echo x >&0")).succeeded());
}

TEST_F(ExecutorTest, TheNextExecutorKnowsTheTermsToo) {
  EXPECT_EQ(outcome_of(command("echo $PARRUN_RANK $PARRUN_RANKS")).stdout_text, "3 8\n");
  outcome_of(command("kill -9 $PPID; sleep 1000"));
  EXPECT_EQ(outcome_of(command("echo $PARRUN_RANK $PARRUN_RANKS")).stdout_text, "3 8\n");
}

TEST_F(ExecutorTest, ACommandsStdinIsEmptyWhateverAFunctionHasMadeOfIt) {
  EXPECT_EQ(outcome_of(command("wc -c")).stdout_text, "0\n");
  EXPECT_TRUE(outcome_of(task<executor_replaces_stdin>()).succeeded());
  EXPECT_EQ(outcome_of(command("wc -c")).stdout_text, "0\n");
  EXPECT_TRUE(outcome_of(task<executor_closes_everything>()).succeeded());
  EXPECT_EQ(outcome_of(command("wc -c")).stdout_text, "0\n");
}

TEST_F(ExecutorTest, PayloadAndResultOfSixtyFourMegabytesPassThroughTheRing) {
  std::string text(std::size_t{64} << 20, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 2654435761U >> 13);
  const Outcome outcome = outcome_of(task<executor_echoes>(text));
  ASSERT_TRUE(outcome.succeeded()) << outcome.error;
  EXPECT_TRUE(std::get<0>(detail::from_bytes<std::string>(outcome.value)) == text);
}

TEST_F(ExecutorTest, ManyTasksEndInTheirOrder) {
  constexpr int kTasks = 20'000;
  for (int i = 0; i < kTasks; ++i) give(task<executor_doubles>(i));
  ASSERT_TRUE(turn_until([&] { return ended.size() == kTasks; }));
  for (std::uint64_t i = 0; i < kTasks; ++i) ASSERT_EQ(ended[i].task, TaskId(i));
}

TEST_F(ExecutorTest, AFinishedOutcomeNeverWaitsBehindARunningTask) {
  give(task<executor_doubles>(1));
  const TaskId endless = give(task<executor_spins_closed>());
  EXPECT_EQ(next().task, TaskId(0));
  EXPECT_TRUE(runs(endless));
  EXPECT_THAT(ended, IsEmpty());
}

// What does not start.

TEST_F(ExecutorTest, ATaskThatRunsIsNotTakenBackAndThoseBehindItAre) {
  const TaskId endless = give(command("sleep 1000"));
  for (int i = 0; i < 4; ++i) give(command("true"));
  ASSERT_TRUE(runs(endless));
  EXPECT_EQ(executor->waiting(), 4U);
  EXPECT_THAT(ids_of(executor->take_back(2)), ElementsAre(TaskId(4), TaskId(3)));
  EXPECT_THAT(ids_of(executor->take_back(100)), ElementsAre(TaskId(2), TaskId(1)));
  EXPECT_THAT(executor->take_back(100), IsEmpty());
  kill(endless);
  EXPECT_EQ(next().task, endless);
  EXPECT_FALSE(executor->has_tasks());
}

TEST_F(ExecutorTest, TasksAreExecutedAfterOthersWereTakenBack) {
  ASSERT_TRUE(outcome_of(command("true")).succeeded());
  for (int round = 0; round < 50; ++round) {
    give(task<executor_doubles>(1));
    executor->turn(Clock::now());
    const bool taken = !executor->take_back(1).empty();
    if (!taken) next();
    EXPECT_TRUE(outcome_of(task<executor_doubles>(2)).succeeded());
  }
}

// The race that the channel's one compare-and-swap decides.
TEST_F(ExecutorTest, ATaskIsEitherExecutedOrTakenBackNeverBothAndNeverNeither) {
  std::mt19937 random(7);
  std::vector<int> executed;
  std::vector<int> returned;
  std::uint64_t races = 0;
  for (int round = 0; round < 4000; ++round) {
    const auto batch = random() % 12;
    for (std::uint64_t i = 0; i < batch; ++i) give(task<executor_doubles>(static_cast<int>(given)));
    executed.resize(given);
    returned.resize(given);
    for (const Outcome& one : outcomes_of(executor->turn(Clock::now()))) ++executed[one.task.get()];
    for (std::uint64_t spin = random() % 2000; spin > 0; --spin) asm volatile("");
    if (random() % 3 != 0) continue;
    const std::vector<TaskId> back = ids_of(executor->take_back(random() % 8));
    for (const TaskId task : back) ++returned[task.get()];
    if (!back.empty() && executor->has_tasks()) ++races;
  }
  ASSERT_TRUE(turn_until([&] { return !executor->has_tasks(); }));
  for (const Outcome& outcome : ended) ++executed[outcome.task.get()];
  for (std::uint64_t i = 0; i < given; ++i) {
    ASSERT_EQ(executed[i] + returned[i], 1)
        << "task " << i << ": executed " << executed[i] << " times, returned " << returned[i] << " times";
  }
  EXPECT_GT(races, 20U) << "too few of the calls came while tasks were executing";
}

// Killing and dying.

// A command's output passes through a pipe and the executor's buffer: what may still be in them at the kill
// is lost, all before that is not.
TEST_F(ExecutorTest, AKilledTaskHasTheGivenStateAndWhatItWroteAndTheNextOneRuns) {
  constexpr std::size_t kWritten = 400'000;
  constexpr std::size_t kOnItsWay = 2 * 65536;
  const TempDir dir;
  const TaskId stuck =
      give(command("head -c 400000 /dev/zero; touch " + dir.file("written") + "; sleep 1000"));
  give(command("echo next"));
  ASSERT_TRUE(turn_until([&] { return std::filesystem::exists(dir.file("written")); }));
  kill(stuck);
  const Outcome killed = next();
  EXPECT_EQ(killed.task, stuck);
  EXPECT_EQ(killed.state, State::timed_out);
  EXPECT_EQ(killed.error, "reached its limit");
  EXPECT_EQ(killed.signal, SIGKILL);
  EXPECT_GE(killed.stdout_text.size(), kWritten - kOnItsWay);
  EXPECT_GT(killed.elapsed_s, 0);
  EXPECT_EQ(next().stdout_text, "next\n");
}

TEST_F(ExecutorTest, ATaskIsKilledWithItsGrandchildrenInOtherSessions) {
  const TempDir dir;
  const std::string file = dir.file("pid");
  const TaskId task = give(command("setsid sh -c 'trap \"\" TERM HUP INT; setsid sleep 1000 & echo $! > " +
                                   file + ".tmp; mv " + file + ".tmp " + file + "; wait' & wait"));
  const pid_t grandchild = pid_from(file);
  ASSERT_GT(grandchild, 1);
  ASSERT_EQ(::kill(grandchild, 0), 0);
  kill(task);
  EXPECT_EQ(next().state, State::timed_out);
  EXPECT_EQ(::kill(grandchild, 0), -1) << "a grandchild outlived the outcome";
}

TEST_F(ExecutorTest, WhatATaskLeavesRunningEndsWithTheTask) {
  const TempDir dir;
  const std::string file = dir.file("pid");
  EXPECT_TRUE(outcome_of(command("setsid sleep 1000 & echo $! > " + file)).succeeded());
  EXPECT_EQ(::kill(pid_from(file), 0), -1);
}

TEST_F(ExecutorTest, WhatATaskLeavesRunningEndsWithItThoughTheTaskCrashed) {
  const TempDir dir;
  const std::string file = dir.file("pid");
  EXPECT_EQ(outcome_of(task<executor_leaves_a_process>(file)).signal, SIGABRT);
  EXPECT_EQ(::kill(pid_from(file), 0), -1);
}

TEST_F(ExecutorTest, AGrandchildEndsWithTheOwnerOfTheExecutor) {
  const TempDir dir;
  const std::string file = dir.file("pid");
  give(command("setsid sleep 1000 & echo $! > " + file + ".tmp; mv " + file + ".tmp " + file + "; wait"));
  const pid_t grandchild = pid_from(file);
  ASSERT_EQ(::kill(grandchild, 0), 0);
  executor.reset();
  EXPECT_TRUE(wait_until([&] { return ::kill(grandchild, 0) != 0; }, kBound));
}

TEST_F(ExecutorTest, ATaskThatBlocksAllSignalsWithoutDescriptorsIsKilled) {
  const TaskId stuck = give(task<executor_spins_closed>());
  ASSERT_TRUE(runs(stuck));
  kill(stuck);
  EXPECT_EQ(next().state, State::timed_out);
  EXPECT_TRUE(outcome_of(command("true")).succeeded());
}

TEST_F(ExecutorTest, ADeadExecutorIsReplacedAndWaitingTasksSurvive) {
  constexpr int kTasks = 200;
  for (int i = 0; i < kTasks; ++i) {
    if (i % 10 == 3)
      give(task<executor_aborts>());
    else
      give(task<executor_doubles>(i));
  }
  ASSERT_TRUE(turn_until([&] { return ended.size() == kTasks; }));
  for (std::uint64_t i = 0; i < kTasks; ++i) {
    EXPECT_EQ(ended[i].task, TaskId(i));
    EXPECT_EQ(ended[i].succeeded(), i % 10 != 3) << i;
  }
}

// Limits that pass at about the time at which their tasks end.
TEST_F(ExecutorTest, AKillThatIsLateHarmsNoOtherTask) {
  for (int round = 0; round < 40; ++round) {
    const TaskId first = give(command("sleep 0.01"));
    give(command("true"));
    const TimePoint limit = Clock::now() + std::chrono::microseconds(300 * round);
    ASSERT_TRUE(
        turn_until([&] { return Clock::now() >= limit && (executor->current() || !executor->has_tasks()); }));
    kill(first);
    EXPECT_EQ(next().task, first);
    const Outcome second = next();
    EXPECT_TRUE(second.succeeded()) << second.error;
  }
}

TEST_F(ExecutorTest, TasksOwnRetriesAndAttemptComeBackWithTheirOutcome) {
  TaskSpec spec = command("exit 1");
  spec.retries = 4;
  const Bytes payload = encode(spec);
  executor->give(given_task({{TaskId(0), 3}, payload}));
  EndedTasks back;
  ASSERT_TRUE(wait_until(
      [&] {
        back = executor->turn(Clock::now());
        return !back.empty();
      },
      kBound));
  back.for_each([](BytesView /*outcome*/, int retries) { EXPECT_EQ(retries, 4); });
  EXPECT_EQ(outcomes_of(back).front().attempt, 3);
}

// Limits of an attempt.

TEST_F(ExecutorTest, OneAboveItsMemoryLimitFailsWithThatAsItsReason) {
  if (parrun::test::kSanitized) GTEST_SKIP() << "sanitizers take memory and threads of their own";
  limits.memory_bytes = std::uint64_t{30} << 20;
  const Outcome outcome = outcome_of(command("head -c 100000000 /dev/zero | tail"));
  EXPECT_EQ(outcome.state, State::failed);
  EXPECT_EQ(outcome.error, "exceeded its memory limit of 30 MB");
  limits = {};
  EXPECT_EQ(outcome_of(command("echo next")).stdout_text, "next\n");
}

TEST_F(ExecutorTest, OneAboveItsCpuLimitFailsWithThatAsItsReason) {
  limits.cpu = 200ms;
  const Outcome outcome = outcome_of(command("while :; do :; done"));
  EXPECT_EQ(outcome.error, "exceeded its CPU time limit of 0.2 s");
  EXPECT_GT(outcome.user_s + outcome.system_s, 0.15);
}

TEST_F(ExecutorTest, OneThatStopsItselfFailsAndTheNextOneRuns) {
  const Outcome outcome = outcome_of(task<executor_raises>(SIGSTOP));
  EXPECT_EQ(outcome.state, State::failed);
  EXPECT_EQ(outcome.error, "stopped by signal 19 (SIGSTOP)");
  EXPECT_EQ(outcome_of(command("echo next")).stdout_text, "next\n");
}

TEST_F(ExecutorTest, AFunctionThatPrintsWithoutEndTakesNoMoreMemoryThanItsLimit) {
  limits.output_bytes = 1 << 20;
  const TaskId id = give(task<executor_prints_without_end>());
  EXPECT_TRUE(runs(id));
  for (const TimePoint end = Clock::now() + 1s; Clock::now() < end;) {
    executor->turn(Clock::now());
    executor->await(1ms);
  }
  kill(id);
  const Outcome outcome = next();
  EXPECT_EQ(outcome.state, State::timed_out);
  EXPECT_LT(outcome.stdout_text.size(), (1U << 20) + 100);
  EXPECT_THAT(outcome.stdout_text, HasSubstr("[parrun: cut here, at the output limit of 1.0 MB]"));
}

// Its place.

TEST_F(ExecutorTest, EachOfManyTasksKnowsItsIndex) {
  constexpr std::size_t kMany = 250;
  for (std::size_t i = 0; i < kMany; ++i) give(task<executor_index>());
  ASSERT_TRUE(turn_until([&] { return ended.size() == kMany; }));
  for (const Outcome& one : ended)
    EXPECT_EQ(std::get<0>(detail::from_bytes<std::string>(one.value)), std::to_string(one.task.get()));
}

TEST_F(ExecutorTest, TellsATaskWhoItIs) {
  const std::string line = "echo $PARRUN_TASK_INDEX $PARRUN_ATTEMPT $PARRUN_RANK $PARRUN_RANKS";
  EXPECT_EQ(outcome_of(command(line)).stdout_text, "0 1 3 8\n");
  EXPECT_EQ(outcome_of(command(line)).stdout_text, "1 1 3 8\n");
}

TEST_F(ExecutorTest, ACallHasItsOwnVariablesAndFolderAndTheNextOneHasNot) {
  TaskSpec spec = spec_of(task<executor_tells_its_place>());
  spec.env = {{"EXECUTOR_TEST", "set"}};
  spec.cwd = "/usr";
  EXPECT_EQ(outcome_of(spec).stdout_text, "set in /usr");
  EXPECT_THAT(outcome_of(task<executor_tells_its_place>()).stdout_text, ::testing::StartsWith("unset in "));
  spec.cwd = "/no/such/folder";
  EXPECT_THAT(outcome_of(spec).error, HasSubstr("cannot start in the directory '/no/such/folder'"));
}

TEST_F(ExecutorTest, MuchMemoryThatStaysBehindEndsItsProcess) {
  if (parrun::test::kSanitized) GTEST_SKIP() << "sanitizers take memory and threads of their own";
  const Outcome before = outcome_of(task<executor_pid>());
  EXPECT_EQ(outcome_of(task<executor_pid>()).stdout_text, before.stdout_text);
  EXPECT_EQ(outcome_of(task<executor_leaks>(std::size_t{200} << 20)).state, State::succeeded);
  const Outcome after = outcome_of(task<executor_pid>());
  EXPECT_NE(after.stdout_text, before.stdout_text);
  EXPECT_LT(after.max_rss_kb, 100 << 10);
}

TEST_F(ExecutorTest, WhatAFunctionPrintedBeforeItClosedItsStdoutIsKept) {
  const Outcome outcome = outcome_of(task<executor_prints_and_closes>());
  EXPECT_EQ(outcome.state, State::succeeded);
  EXPECT_EQ(outcome.stdout_text, "before");
  EXPECT_EQ(outcome_of(command("echo next")).stdout_text, "next\n");
}

TEST_F(ExecutorTest, DescriptorsThatAFunctionLeftAreInNoCommand) {
  outcome_of(task<executor_leaves_descriptors>(5));
  EXPECT_EQ(outcome_of(command("ls /proc/self/fd | wc -l")).stdout_text, "4\n") << "and that of ls itself";
}

// Accounting.

TEST_F(ExecutorTest, OfAHugeResultNothingStaysInItsProcess) {
  if (parrun::test::kSanitized) GTEST_SKIP() << "sanitizers take memory and threads of their own";
  const auto pid = [&] {
    return std::get<0>(detail::from_bytes<int>(outcome_of(task<executor_process>()).value));
  };
  constexpr std::size_t kHuge = std::size_t{100} << 20;
  const int before = pid();
  EXPECT_GT(outcome_of(task<executor_makes>(kHuge)).value.size(), kHuge);
  EXPECT_EQ(pid(), before);
  most_value_bytes = 1000;
  EXPECT_EQ(outcome_of(task<executor_makes>(kHuge)).state, State::failed);
  EXPECT_EQ(pid(), before);
}

TEST_F(ExecutorTest, PeakMemoryIsThatOfTheAttempt) {
  if (parrun::test::kSanitized) GTEST_SKIP() << "sanitizers take memory and threads of their own";
  EXPECT_GT(outcome_of(task<executor_uses>(std::size_t{150} << 20)).max_rss_kb, 150 << 10);
  EXPECT_LT(outcome_of(task<executor_doubles>(1)).max_rss_kb, 100 << 10);
}

TEST_F(ExecutorTest, CpuTimeOfChildrenAndOfWhatIsKilledIsTold) {
  EXPECT_GT(outcome_of(command("sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done'; true")).user_s,
            0.02);
  const TaskId id = give(command("while :; do :; done"));
  EXPECT_TRUE(runs(id));
  const TimePoint end = Clock::now() + 300ms;
  turn_until([&] { return Clock::now() > end; });
  kill(id);
  const Outcome outcome = next();
  EXPECT_GT(outcome.user_s + outcome.system_s, 0.05);
  EXPECT_LT(outcome.user_s + outcome.system_s, 5);
}

}  // namespace
