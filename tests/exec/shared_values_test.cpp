// Shared values as tasks see them, in executors of both kinds.

#include "exec/shared_values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "batch/public_task.hpp"
#include "batch/task_spec.hpp"
#include "core/outcome.hpp"
#include "exec/executor.hpp"
#include "parrun/shared.hpp"
#include "parrun/task.hpp"
#include "support/children.hpp"
#include "support/given_tasks.hpp"
#include "support/sanitizers.hpp"
#include "support/temp_dir.hpp"

namespace {

using namespace std::chrono_literals;
using namespace parrun;
using parrun::test::children_end;
using parrun::test::outcomes_of;
using parrun::test::TempDir;
using parrun::test::wait_until;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Duration kBound = 20s;

std::int64_t shared_sum(const Shared<std::int32_t>& values) {
  return std::accumulate(values.begin(), values.end(), std::int64_t{0});
}
PARRUN_TASK(shared_sum);

pid_t shared_reader(const Shared<std::int32_t>& values) { return shared_sum(values) == 0 ? 0 : getpid(); }
PARRUN_TASK(shared_reader);

void shared_writer(const Shared<std::int32_t>& values) {
  signal(SIGSEGV, SIG_DFL);  // a sanitizer has a handler
  const_cast<std::int32_t&>(values[0]) = 7;
}
PARRUN_TASK(shared_writer);

// Says that it has the value, and reads it once it is told to.
std::int64_t shared_late_reader(const Shared<std::int32_t>& values, const std::string& has_it,
                                const std::string& go) {
  std::ofstream(has_it) << getpid() << std::endl;
  wait_until([&] { return access(go.c_str(), F_OK) == 0; }, kBound);
  return shared_sum(values);
}
PARRUN_TASK(shared_late_reader);

// Keeps it in memory for some looks at the limits.
void shared_lingerer(const Shared<std::int32_t>& values) {
  shared_sum(values);
  std::this_thread::sleep_for(200ms);  // what it is for
}
PARRUN_TASK(shared_lingerer);

struct Lookup {
  Shared<std::int32_t> table;
  std::vector<std::size_t> indices;
};
PARRUN_MEMBERS(Lookup, table, indices);

std::int32_t shared_lookup(const std::vector<Lookup>& lookups) {
  std::int32_t sum = 0;
  for (const Lookup& lookup : lookups) {
    for (const std::size_t index : lookup.indices) sum += lookup.table[index];
  }
  return sum;
}
PARRUN_TASK(shared_lookup);

enum class Kind { process, thread };

class SharedValuesTest : public ::testing::TestWithParam<Kind> {
 protected:
  ~SharedValuesTest() override {
    executor.reset();
    EXPECT_TRUE(children_end(kBound));
  }

  /// A handle as rank 0 has it.
  Shared<std::int32_t> share(const std::vector<std::int32_t>& values) {
    file.emplace(values.size() * sizeof(std::int32_t));
    file->append({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(std::int32_t)});
    file->seal();
    ++id;
    executor->shares()->put(id, file->place());
    return {detail::SharedCopy{id, map_shared(file->place())}, values.size()};
  }
  void release() {
    executor->shares()->remove(id);
    file.reset();
    executor->drop_released();
  }

  template <typename R>
  void give(const Task<R>& task) {
    TaskSpec spec = call_spec(task.fields());
    spec.resources = limits;
    const Bytes payload = encode(spec);
    executor->give(given_task({{TaskId(given++)}, payload}));
  }
  void turn() {
    ended = outcomes_of(executor->turn(Clock::now()), std::move(ended));
    executor->await(1ms);
  }
  Outcome next() {
    wait_until([&] { return turn(), !ended.empty(); }, kBound, 0ns);
    if (ended.empty()) throw std::runtime_error("no outcome came");
    Outcome first = std::move(ended.front());
    ended.erase(ended.begin());
    return first;
  }
  template <typename R>
  Outcome outcome_of(const Task<R>& task) {
    give(task);
    return next();
  }
  template <typename R>
  R value_of(const Task<R>& task) {
    const Outcome outcome = outcome_of(task);
    EXPECT_TRUE(outcome.succeeded()) << outcome.error;
    return std::get<0>(detail::from_bytes<R>(outcome.value));
  }
  static bool maps_shared(pid_t pid) {
    std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
    for (std::string line; std::getline(maps, line);) {
      if (line.find("parrun-shared") != line.npos) return true;
    }
    return false;
  }

  std::unique_ptr<Executor> executor = std::make_unique<Executor>(
      GetParam() == Kind::process ? std::unique_ptr<ExecutorBody>(std::make_unique<ProcessBody>())
                                  : std::make_unique<ThreadBody>());
  std::optional<SharedFile> file;
  std::uint64_t id = 0;
  std::vector<Outcome> ended;
  std::uint64_t given = 0;
  ResourceLimits limits;
};
INSTANTIATE_TEST_SUITE_P(Executors, SharedValuesTest, ::testing::Values(Kind::process, Kind::thread),
                         [](const auto& kind) { return kind.param == Kind::process ? "process" : "thread"; });

using SharedValuesInProcesses = SharedValuesTest;
INSTANTIATE_TEST_SUITE_P(Executors, SharedValuesInProcesses, ::testing::Values(Kind::process),
                         [](const auto& /*kind*/) { return "process"; });

TEST_P(SharedValuesTest, AreReadByAnExecutorThatWasThereBefore) {
  const pid_t before = value_of(task<shared_reader>(share({1})));
  const auto values = share({1, 2, 3});
  EXPECT_EQ(value_of(task<shared_sum>(values)), 6);
  EXPECT_EQ(value_of(task<shared_reader>(values)), before);
}

TEST_P(SharedValuesTest, AreReadInPlace) {
  const auto values = share(std::vector<std::int32_t>(1000, 1));
  EXPECT_EQ(detail::to_bytes(values).size(), 16U);
  EXPECT_EQ(value_of(task<shared_sum>(values)), 1000);
}

TEST_P(SharedValuesTest, AreReadDeepInAnArgument) {
  const Lookup lookup{share({10, 20, 30}), {0, 2}};
  EXPECT_EQ(value_of(task<shared_lookup>(std::vector{lookup, lookup})), 80);
}

TEST_P(SharedValuesTest, AnotherPoolsFirstValueIsNotTheLastPoolsFirst) {
  EXPECT_EQ(value_of(task<shared_sum>(share({1, 2, 3}))), 6);
  id = 0;
  EXPECT_EQ(value_of(task<shared_sum>(share({4, 5, 6}))), 15);
}

TEST_P(SharedValuesTest, AnEmptyOneIsReadAnywhere) {
  EXPECT_EQ(value_of(task<shared_sum>(Shared<std::int32_t>())), 0);
}

TEST_P(SharedValuesTest, OneThatWasReleasedIsTheTasksErrorAndTheNextTaskRuns) {
  const auto values = share({1, 2, 3});
  release();
  const Outcome outcome = outcome_of(task<shared_sum>(values));
  EXPECT_EQ(outcome.error_type, "std::runtime_error");
  EXPECT_THAT(outcome.error, HasSubstr("shared value 1 is not there: it was released"));
  EXPECT_EQ(value_of(task<shared_sum>(share({4}))), 4);
}

TEST_P(SharedValuesTest, OneWhoseKeeperIsGoneIsTheTasksErrorThatSaysSo) {
  const auto values = share({1, 2, 3});
  file.reset();
  EXPECT_THAT(outcome_of(task<shared_sum>(values)).error,
              AllOf(HasSubstr("shared value 1 is not there"), HasSubstr("this node's copy")));
}

TEST_P(SharedValuesTest, AnIdleExecutorLetsGoOfOneThatIsReleased) {
  pid_t pid = 0;
  {
    const auto values = share({1, 2, 3});
    pid = value_of(task<shared_reader>(values));
    EXPECT_TRUE(maps_shared(pid));
  }
  release();
  EXPECT_TRUE(wait_until([&] { return turn(), !maps_shared(pid); }, kBound));
}

TEST_P(SharedValuesTest, WhatATaskHasInHandStaysUntilItEnds) {
  const TempDir dir;
  pid_t pid = 0;
  {
    const auto values = share({1, 2, 3});
    give(task<shared_late_reader>(values, dir.file("has_it"), dir.file("go")));
    ASSERT_TRUE(wait_until(
        [&] { return turn(), static_cast<bool>(std::ifstream(dir.file("has_it")) >> pid); }, kBound));
  }
  release();
  std::ofstream(dir.file("go")) << std::endl;
  const Outcome outcome = next();
  EXPECT_TRUE(outcome.succeeded()) << outcome.error;
  EXPECT_TRUE(wait_until([&] { return turn(), !maps_shared(pid); }, kBound));
}

TEST_P(SharedValuesInProcesses, ATaskThatWritesToOneDiesAlone) {
  const auto values = share({1, 2, 3});
  EXPECT_EQ(outcome_of(task<shared_writer>(values)).signal, SIGSEGV);
  EXPECT_EQ(value_of(task<shared_sum>(values)), 6);
}

constexpr std::size_t kMany = std::size_t{25} << 20;  // 100 MiB of them

TEST_P(SharedValuesInProcesses, LargeOnesAreNoReasonForAFreshProcess) {
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer's own memory is one";
  const auto values = share(std::vector<std::int32_t>(kMany, 1));
  const pid_t first = value_of(task<shared_reader>(values));
  EXPECT_EQ(value_of(task<shared_reader>(values)), first);
}

TEST_P(SharedValuesInProcesses, ThatWereReleasedAreNotInTheMemoryOfTheNextTask) {
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer's own memory is";
  EXPECT_GT(outcome_of(task<shared_reader>(share(std::vector<std::int32_t>(kMany, 1)))).max_rss_kb,
            100 << 10);
  release();
  EXPECT_LT(outcome_of(task<shared_reader>(share({1}))).max_rss_kb, 80 << 10);
}

TEST_P(SharedValuesInProcesses, DoNotCountAgainstATasksMemoryLimit) {
  if (test::kSanitized) GTEST_SKIP() << "a sanitizer's own memory counts";
  limits.memory_bytes = 50 << 20;
  const Outcome outcome = outcome_of(task<shared_lingerer>(share(std::vector<std::int32_t>(kMany, 1))));
  EXPECT_TRUE(outcome.succeeded()) << outcome.error;
}

// Handles.

TEST(Shared, IsReadLikeAnArray) {
  const std::array<int, 3> array{4, 5, 6};
  const Shared<int> values({1, {std::shared_ptr<void>(), array.data()}}, array.size());
  EXPECT_EQ(values.size(), 3U);
  EXPECT_FALSE(values.empty());
  EXPECT_EQ(values[2], 6);
  EXPECT_EQ(*values, 4);
  EXPECT_EQ(std::vector<int>(values.begin(), values.end()), std::vector<int>({4, 5, 6}));
}

TEST(Shared, OfASingleValueIsReadLikeAPointer) {
  const std::pair<int, double> pair{4, 0.5};
  const Shared<std::pair<int, double>> value({1, {std::shared_ptr<void>(), &pair}}, 1);
  EXPECT_EQ(value->second, 0.5);
}

TEST(Shared, IsEmptyByDefault) {
  const Shared<int> none;
  EXPECT_TRUE(none.empty());
  EXPECT_TRUE(none.span().empty());
  EXPECT_EQ(none.begin(), none.end());
}

TEST(Shared, CannotBeReadWhereThereIsNoTask) {
  const std::array<int, 3> array{};
  const std::string bytes = detail::to_bytes(Shared<int>({9, {std::shared_ptr<void>(), array.data()}}, 3));
  const auto [values] = detail::from_bytes<Shared<int>>(bytes);
  EXPECT_EQ(values.size(), 3U);
  EXPECT_EQ(detail::to_bytes(values), bytes) << "it can be handed on";
  EXPECT_THAT([&values = values] { values.span(); },
              ::testing::ThrowsMessage<std::runtime_error>(HasSubstr(
                  "shared value 9 is not there: a handle that came out of a task, or another archive, "
                  "is read in tasks alone, on their own thread")));
}

TEST(Shared, ATaskKeepsThoseThatItsArgumentsReferTo) {
  const auto data = std::make_shared<std::array<std::int32_t, 3>>();
  auto made = task<shared_sum>(Shared<std::int32_t>({1, data}, 3));
  EXPECT_EQ(data.use_count(), 2);
  const auto copy = made;
  made = task<shared_sum>(Shared<std::int32_t>());
  EXPECT_EQ(data.use_count(), 2) << "its copy";
  EXPECT_EQ(copy.fields().kept.size(), 1U);
  EXPECT_TRUE(made.fields().kept.empty());
}

TEST(Shared, ATaskKeepsThoseThatLieDeepInItsArguments) {
  const auto data = std::make_shared<std::array<std::int32_t, 3>>();
  const auto made = task<shared_lookup>(std::vector(2, Lookup{Shared<std::int32_t>({1, data}, 3), {0}}));
  EXPECT_EQ(made.fields().kept.size(), 2U);
}

TEST(Shared, HasNoJsonForm) {
  static_assert(!detail::JsonReadable<Shared<int>> && !detail::JsonWritable<Shared<int>>);
  static_assert(!detail::JsonWritable<std::vector<Shared<int>>>);
}

TEST(Shared, ContiguousRangesAndSingleValuesCanBeShared) {
  struct Point {
    double x, y;
  };
  const std::vector<double> numbers{1, 2, 3};
  EXPECT_EQ(detail::elements_to_share(numbers).data(), numbers.data());
  EXPECT_EQ(detail::elements_to_share(std::string("abc")).size(), 3U);
  EXPECT_EQ(detail::elements_to_share(std::span<const double>(numbers)).size(), 3U);
  EXPECT_EQ(detail::elements_to_share(std::array<Point, 2>{}).size(), 2U);
  EXPECT_EQ(detail::elements_to_share(std::string_view()).size(), 0U);
  EXPECT_EQ(detail::elements_to_share(Point{}).size(), 1U);
  EXPECT_EQ(detail::elements_to_share(4.5).size_bytes(), 8U);
  static_assert(detail::kCanBeShared<Point> && detail::kCanBeShared<char>);
  static_assert(!detail::kCanBeShared<std::string> && !detail::kCanBeShared<const char*>);
}

}  // namespace
