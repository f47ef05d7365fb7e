#include "record/recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "support/temp_dir.hpp"
#include "support/wait_until.hpp"

namespace {

using namespace std::chrono_literals;
using namespace parrun;
using namespace parrun::record;
using parrun::test::TempDir;
using parrun::test::wait_until;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RecorderTest : public ::testing::Test {
 protected:
  void TearDown() override {
    if (recorder) close();
  }
  void start(ReadBack read_back = ReadBack::none, bool resume_failed = false) {
    recorder = std::make_unique<Recorder>(open(resume_failed), read_back);
  }
  RecordFile open(bool resume_failed = false) const {
    const OpenOptions options{.path = path,
                              .existing = OpenOptions::Existing::resume,
                              .resume_failed = resume_failed,
                              .command = "parrun",
                              .ranks = 2};
    return RecordFile(options, {"jobs.bin", 1, tasks});
  }
  void close(int exit_code = 0) {
    recorder->finish(exit_code);
    EXPECT_TRUE(wait_until([&] { return recorder->closed(); }, 10s));
    recorder.reset();
  }
  void add(std::uint64_t task, State state = State::succeeded, const std::string& out = "") {
    Row row;
    row.outcome.task = TaskId(task);
    row.outcome.state = state;
    row.outcome.host = "here";
    row.outcome.stdout_text = out;
    recorder->add(std::move(row));
  }
  std::vector<std::uint64_t> committed() {
    std::vector<std::uint64_t> numbers;
    EXPECT_TRUE(wait_until(
        [&] {
          for (const Row& row : recorder->take_committed()) numbers.push_back(row.outcome.task.get());
          return recorder->committed();
        },
        10s));
    return numbers;
  }
  /// All that is read back until there are `count`.
  std::vector<std::string> read_back(std::size_t count) {
    std::vector<std::string> texts;
    EXPECT_TRUE(wait_until(
        [&] {
          for (const Row& row : recorder->take_read_back()) texts.push_back(row.outcome.stdout_text);
          return texts.size() >= count;
        },
        10s));
    return texts;
  }
  std::int64_t query(const std::string& sql) {
    return Database(path, Database::Access::read_only).integer(sql);
  }

  TempDir dir;
  std::string path = dir.file("jobs.record");
  std::uint64_t tasks = 5;
  std::unique_ptr<Recorder> recorder;
};

TEST_F(RecorderTest, WhatIsGivenBackIsInTheRecordAlready) {
  start();
  for (const std::uint64_t task : {3, 1, 4}) {
    add(task);
    EXPECT_THAT(committed(), ElementsAre(task));
    EXPECT_EQ(query("SELECT count(*) FROM tasks WHERE task = " + std::to_string(task)), 1);
  }
}

TEST_F(RecorderTest, OutcomesComeBackInTheOrderInWhichTheyWereAdded) {
  tasks = 20'000;
  start();
  for (std::uint64_t task = tasks; task-- > 0;) add(task);
  const std::vector<std::uint64_t> order = committed();
  ASSERT_EQ(order.size(), tasks);
  EXPECT_TRUE(std::is_sorted(order.rbegin(), order.rend()));
  EXPECT_EQ(query("SELECT count(*) FROM tasks"), 20'000);
}

TEST_F(RecorderTest, TheEndOfTheRunIsRecordedBehindAllRows) {
  start();
  for (std::uint64_t task = 0; task < tasks; ++task) add(task);
  close(7);
  EXPECT_EQ(query("SELECT count(*) FROM tasks"), 5);
  EXPECT_EQ(query("SELECT exit_code FROM runs"), 7);
  EXPECT_EQ(query("SELECT ended IS NOT NULL FROM runs"), 1);
}

TEST_F(RecorderTest, ATaskThatIsRunAgainKeepsWhatItCameToBefore) {
  start();
  add(2, State::failed);
  close(1);
  start(ReadBack::none, true);
  add(2);
  std::vector<Row> rows;
  EXPECT_TRUE(wait_until(
      [&] {
        for (Row& row : recorder->take_committed()) rows.push_back(std::move(row));
        return !rows.empty();
      },
      10s));
  ASSERT_EQ(rows[0].outcome.earlier.size(), 1U);
  EXPECT_EQ(rows[0].outcome.earlier[0].state, State::failed);
  EXPECT_EQ(query("SELECT count(*) FROM tasks WHERE state = 'succeeded'"), 1);
}

TEST_F(RecorderTest, MuchThatWaitsIsCongestion) {
  start();
  EXPECT_FALSE(recorder->congested());
  for (std::uint64_t task = 0; task < 3; ++task)
    add(task, State::succeeded, std::string(Recorder::kCongestedBytes / 2, 'x'));
  EXPECT_TRUE(recorder->congested()) << "also when it is safe and not taken yet";
  committed();
  EXPECT_FALSE(recorder->congested());
}

TEST_F(RecorderTest, InTheOrderOfTheBatchEachIsReadBackWhenAllBeforeItAreThere) {
  start(ReadBack::all);
  add(1, State::succeeded, "one");
  add(2, State::failed, "two");
  EXPECT_THAT(committed(), ElementsAre(1, 2));
  EXPECT_THAT(recorder->take_read_back(), IsEmpty());
  add(0, State::succeeded, "zero");
  committed();
  EXPECT_THAT(read_back(3), ElementsAre("zero", "one", "two"));
  EXPECT_FALSE(recorder->read_out());
  add(4, State::succeeded, "four");
  committed();
  EXPECT_THAT(recorder->take_read_back(), IsEmpty());
  recorder->end_order();
  EXPECT_THAT(read_back(1), ElementsAre("four"));
  EXPECT_TRUE(wait_until([&] { return recorder->read_out(); }, 10s));
}

TEST_F(RecorderTest, InTheOrderOfTheBatchEarlierRunsResultsAreAmongThem) {
  start();
  add(0, State::succeeded, "zero");
  add(1, State::lost, "lost");
  add(2, State::succeeded, "two");
  close();
  start(ReadBack::all);
  EXPECT_THAT(read_back(1), ElementsAre("zero"));
  add(1, State::succeeded, "one");
  committed();
  EXPECT_THAT(read_back(2), ElementsAre("one", "two"));
}

TEST_F(RecorderTest, OnlyWhatEarlierRunsSettledIsReplayed) {
  start();
  add(0, State::succeeded, "zero");
  add(1, State::lost, "lost");
  add(4, State::failed, "four");
  close();
  start(ReadBack::settled);
  EXPECT_THAT(read_back(2), ElementsAre("zero", "four"));
  add(1, State::succeeded, "one");
  committed();
  EXPECT_THAT(recorder->take_read_back(), IsEmpty());
  EXPECT_TRUE(wait_until([&] { return recorder->read_out(); }, 10s));
}

TEST_F(RecorderTest, MuchIsReadBackPieceByPiece) {
  tasks = 40;
  start(ReadBack::all);
  for (std::uint64_t task = tasks; task-- > 0;) add(task, State::succeeded, std::string(1'000'000, 'x'));
  committed();
  std::size_t most = 0;
  std::size_t all = 0;
  EXPECT_TRUE(wait_until(
      [&] {
        const std::size_t now = recorder->take_read_back().size();
        most = std::max(most, now);
        all += now;
        return recorder->read_out();
      },
      20s));
  EXPECT_EQ(all, tasks);
  EXPECT_LT(most, 20U);
}

TEST_F(RecorderTest, ARecordThatIsRemovedReplacedOrCutMeanwhileIsToldAtTheEndAtTheLatest) {
  const auto end_after = [&](const std::string& command) {
    start();
    add(0);
    committed();
    EXPECT_EQ(std::system(command.c_str()), 0);
    recorder->finish(0);
    EXPECT_TRUE(wait_until([&] { return recorder->closed(); }, 10s));
    const std::string failure = recorder->failure().value_or("");
    recorder.reset();
    EXPECT_EQ(std::system(("rm -f '" + path + "'*").c_str()), 0);
    return failure;
  };
  EXPECT_EQ(end_after("true"), "");
  for (const char* harm : {"rm ", "cp /bin/true x; mv x ", ": > "}) {
    EXPECT_THAT(end_after("cd '" + dir.path().string() + "'; " + harm + "'" + path + "'"),
                HasSubstr("while the run wrote"))
        << harm;
  }
}

TEST_F(RecorderTest, SomebodyElseWhoWritesToItIsWaitedFor) {
  start();
  {
    const Database other(path, Database::Access::read_write);
    Transaction theirs(other);
    add(0);
    EXPECT_FALSE(
        wait_until([&] { return recorder->failure().has_value() || recorder->committed(); }, 1500ms));
    theirs.commit();
    EXPECT_THAT(committed(), ElementsAre(0));
    Transaction again(other);
    recorder->finish(0);
    EXPECT_FALSE(wait_until([&] { return recorder->closed(); }, 1500ms));
  }
  EXPECT_TRUE(wait_until([&] { return recorder->closed(); }, 10s));
  EXPECT_EQ(recorder->failure(), std::nullopt);
  EXPECT_EQ(query("SELECT exit_code FROM runs"), 0);
  recorder.reset();
}

TEST_F(RecorderTest, WhatKeepsItFromBeginningIsToldLikewise) {
  RecordFile file = open();
  file.database().execute("DROP TABLE tasks");
  recorder = std::make_unique<Recorder>(std::move(file), ReadBack::none);
  EXPECT_TRUE(wait_until([&] { return recorder->closed(); }, 10s));
  EXPECT_THAT(recorder->failure().value_or(""), ::testing::AllOf(HasSubstr(path), HasSubstr("--resume")));
}

TEST_F(RecorderTest, ADiskThatTakesNoMoreIsToldInALine) {
  start();
  Database(path, Database::Access::read_write).execute("DROP TABLE tasks");
  add(0);
  EXPECT_TRUE(wait_until([&] { return recorder->failure().has_value(); }, 10s));
  EXPECT_THAT(*recorder->failure(), ::testing::AllOf(HasSubstr(path), HasSubstr("--resume")));
  EXPECT_THAT(recorder->take_committed(), IsEmpty());
  EXPECT_TRUE(wait_until([&] { return recorder->closed(); }, 10s));
}

}  // namespace
