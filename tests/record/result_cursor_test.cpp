#include "record/result_cursor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/record_file.hpp"
#include "support/temp_dir.hpp"

namespace parrun::test {
namespace {

using record::ReadBack;
using record::ResultCursor;
using ::testing::ElementsAre;

// A record of six tasks, of which the first, the third and the last are settled; the others are run again.
class ResultCursorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (std::uint64_t task = 0; task < 6; ++task) file.add(row(task));
    for (const std::uint64_t task : {0, 2, 5}) settled.insert(TaskId(task));
  }
  std::vector<std::uint64_t> read(ResultCursor& cursor) {
    std::vector<std::uint64_t> tasks;
    for (const record::Row& row : cursor.read(file.database())) tasks.push_back(row.outcome.task.get());
    return tasks;
  }
  /// From now on whoever steps on that task's row gets an error.
  void mine(int task) {
    const auto& database = file.database();
    database.execute("ALTER TABLE tasks RENAME TO mined");
    const std::string_view columns = record::kTaskColumns;
    constexpr std::string_view kLast = "checksum";
    ASSERT_TRUE(columns.ends_with(kLast));
    database.execute(fmt::format("CREATE VIEW tasks AS SELECT {}"
                                 "CASE task WHEN {} THEN abs(-9223372036854775807 - 1) ELSE {} END AS {} "
                                 "FROM mined",
                                 columns.substr(0, columns.size() - kLast.size()), task, kLast, kLast)
                         .c_str());
  }

  const TempDir dir;
  WrittenRecord file{dir.file("jobs.record")};
  TaskSet settled;
};

TEST_F(ResultCursorTest, WhileGapsHoldATaskThatIsRunAgainHoldsUpThoseBehindIt) {
  ResultCursor cursor(ReadBack::all, settled, 6);
  EXPECT_THAT(read(cursor), ElementsAre(0));
  EXPECT_FALSE(cursor.due());
  cursor.add(TaskId(1));
  EXPECT_THAT(read(cursor), ElementsAre(1, 2));
  cursor.pass_gaps();
  EXPECT_THAT(read(cursor), ElementsAre(5));
  EXPECT_TRUE(cursor.at_end());
}

// A batch of a million tasks to be run again would be read through at each commit.
TEST_F(ResultCursorTest, WhileGapsHoldNothingBehindThemIsRead) {
  mine(3);
  settled = {};
  settled.insert(TaskId(0));
  ResultCursor cursor(ReadBack::all, settled, 6);
  EXPECT_THAT(read(cursor), ElementsAre(0));
  EXPECT_EQ(file.database().integer("SELECT count(task) FROM tasks"), 6);
  EXPECT_THROW(file.database().integer("SELECT checksum FROM tasks WHERE task = 3"), DatabaseError)
      << "the mine is there";
}

TEST_F(ResultCursorTest, OfEarlierRunsResultsAloneThoseThatAreRunAgainArePassedOver) {
  ResultCursor cursor(ReadBack::settled, settled, 6);
  EXPECT_THAT(read(cursor), ElementsAre(0, 2, 5));
  EXPECT_TRUE(cursor.at_end());
}

}  // namespace
}  // namespace parrun::test
