#include "record/record_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/batches.hpp"
#include "support/record_file.hpp"
#include "support/temp_dir.hpp"

namespace parrun::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RecordSetTest : public ::testing::Test {
 protected:
  /// The record of a shard of a batch of ten, with outcomes of these tasks; returns its path.
  std::string record(const Shard& shard, const std::vector<std::uint64_t>& tasks,
                     const std::string& batch_hash = "1f") {
    const std::string path =
        dir.file(std::to_string(shard.number) + "-of-" + std::to_string(shard.count) + batch_hash);
    record::Run run = run_of(10);
    run.shard = shard;
    run.batch_hash = batch_hash;
    WrittenRecord file(path);
    file.add(run);
    for (const std::uint64_t task : tasks) file.add(row(task, task == 5 ? State::failed : State::succeeded));
    return path;
  }
  static std::vector<std::uint64_t> tasks_of(const RecordSet& records,
                                             const record::Selection& selection = {}) {
    std::vector<std::uint64_t> tasks;
    records.for_each(selection, record::Texts::with,
                     [&](const record::Row& row) { tasks.push_back(row.outcome.task.get()); });
    return tasks;
  }

  const TempDir dir;
};

TEST_F(RecordSetTest, ReadsRecordsOfShardsInTheOrderOfTheTasks) {
  const RecordSet records({record({2, 3}, {1, 4, 7}), record({3, 3}, {}), record({1, 3}, {0, 3, 9})});
  EXPECT_THAT(tasks_of(records), ElementsAre(0, 1, 3, 4, 7, 9));
}

TEST_F(RecordSetTest, SelectsInAllOfThem) {
  const RecordSet records({record({1, 2}, {0, 2}), record({2, 2}, {1, 5})});
  EXPECT_THAT(tasks_of(records, {.states = {State::failed}, .tasks = {}}), ElementsAre(5));
  EXPECT_THAT(tasks_of(records, {.states = {}, .tasks = {TaskId(1), TaskId(2), TaskId(8)}}),
              ElementsAre(1, 2));
  EXPECT_THAT(tasks_of(records, {.states = {State::lost}, .tasks = {}}), IsEmpty());
}

TEST_F(RecordSetTest, ShardsOfDifferentSizesGoTogetherWhereTheyHaveNoTaskInCommon) {
  const RecordSet records({record({1, 2}, {0, 2}), record({2, 4}, {1}), record({4, 4}, {3})});
  EXPECT_THAT(tasks_of(records), ElementsAre(0, 1, 2, 3));
}

TEST_F(RecordSetTest, RecordsThatMayHaveATaskInCommonAreRefused) {
  const std::string half = record({2, 2}, {1});
  const std::string quarter = record({4, 4}, {3});
  EXPECT_THAT(input_error([&] {
                RecordSet({half, quarter});
              }),
              AllOf(HasSubstr(half), HasSubstr(quarter), HasSubstr("shards 2/2 and 4/4")));
  EXPECT_THAT(input_error([&] { RecordSet({half, half}); }), HasSubstr("give each task once"));
}

TEST_F(RecordSetTest, RecordsOfDifferentBatchesAreRefused) {
  const std::string one = record({1, 2}, {0});
  const std::string other = record({2, 2}, {1}, "2e");
  EXPECT_THAT(input_error([&] {
                RecordSet({one, other});
              }),
              AllOf(HasSubstr(other + " is of another batch"), HasSubstr(one)));
}

}  // namespace
}  // namespace parrun::test
