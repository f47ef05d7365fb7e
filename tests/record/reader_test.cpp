#include "record/reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/batches.hpp"
#include "support/record_file.hpp"
#include "support/temp_dir.hpp"

namespace parrun {
namespace {

using record::Selection;
using record::Texts;
using test::input_error;
using test::row;
using test::run_of;
using test::WrittenRecord;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;
namespace fs = std::filesystem;

std::vector<record::Row> rows_of(const RecordReader& reader, const Selection& selection = {},
                                 Texts texts = Texts::without) {
  std::vector<record::Row> rows;
  reader.for_each(selection, texts, [&](const record::Row& one) { rows.push_back(one); });
  return rows;
}

std::vector<std::uint64_t> tasks_of(const RecordReader& reader, const Selection& selection = {}) {
  std::vector<std::uint64_t> tasks;
  for (const record::Row& one : rows_of(reader, selection)) tasks.push_back(one.outcome.task.get());
  return tasks;
}

// While it lives, the folder cannot be written, by root neither.
class ReadOnlyFolder {
 public:
  explicit ReadOnlyFolder(fs::path path) : path_(std::move(path)) {
    fs::permissions(path_, fs::perms(0555));
    setfsuid(kNobody);
  }
  ReadOnlyFolder(const ReadOnlyFolder&) = delete;
  ReadOnlyFolder& operator=(const ReadOnlyFolder&) = delete;
  ~ReadOnlyFolder() {
    setfsuid(geteuid());
    fs::permissions(path_, fs::perms(0755));
  }

 private:
  static constexpr uid_t kNobody = 65534;
  fs::path path_;
};

class RecordReaderTest : public ::testing::Test {
 protected:
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(dir_.path())) names.push_back(entry.path().filename());
    return names;
  }
  std::string error() const {
    return input_error([&] { rows_of(RecordReader(path_), {}, Texts::with); });
  }
  // The file and its log as a run leaves them that is killed now.
  void leave_as_killed(std::string_view name) const {
    fs::copy_file(path_, dir_.file(name));
    fs::copy_file(path_ + "-wal", dir_.file(name) + "-wal");
  }

  test::TempDir dir_;
  const std::string path_ = dir_.file("jobs.record");
};

// Rows.

TEST_F(RecordReaderTest, RowsComeInTheOrderOfTheTasks) {
  WrittenRecord(path_).add(row(7)).add(row(2)).add(row(100));
  EXPECT_THAT(tasks_of(RecordReader(path_)), ElementsAre(2, 7, 100));
}

TEST_F(RecordReaderTest, ARowIsReadWithItsTextsOrWithout) {
  record::Row written = row(3, State::failed, "exit code 4");
  written.label = "three";
  written.outcome.stdout_text = std::string(10000, 'x');
  WrittenRecord(path_).add(written);
  const RecordReader reader(path_);
  const record::Row with = rows_of(reader, {}, Texts::with).at(0);
  EXPECT_EQ(with.label, "three");
  EXPECT_EQ(with.outcome.error, "exit code 4");
  EXPECT_EQ(with.outcome.stdout_text, written.outcome.stdout_text);
  EXPECT_EQ(rows_of(reader, {}, Texts::without).at(0).outcome.stdout_text, "");
}

TEST_F(RecordReaderTest, StatesAndTasksCanBeSelected) {
  WrittenRecord(path_)
      .add(row(0))
      .add(row(1, State::failed))
      .add(row(2, State::lost))
      .add(row(3, State::failed));
  const RecordReader reader(path_);
  EXPECT_THAT(tasks_of(reader, {.states = {State::failed}}), ElementsAre(1, 3));
  EXPECT_THAT(tasks_of(reader, {.states = {State::failed, State::lost}}), ElementsAre(1, 2, 3));
  EXPECT_THAT(tasks_of(reader, {.tasks = {TaskId(2), TaskId(0), TaskId(9), TaskId(~0ULL)}}),
              ElementsAre(0, 2));
  EXPECT_THAT(tasks_of(reader, {.states = {State::failed}, .tasks = {TaskId(2), TaskId(3)}}), ElementsAre(3));
}

// Runs and the summary.

TEST_F(RecordReaderTest, TheLastRunIsTold) {
  record::Run first = run_of(10), second = run_of(10);
  first.ended_s = 5.5;
  first.exit_code = 1;
  second.run = 2;
  second.started_s = 6;
  second.executing = 3;
  WrittenRecord file(path_);
  file.add(first);
  EXPECT_EQ(RecordReader(path_).last_run().ended_s, 5.5);
  EXPECT_EQ(RecordReader(path_).last_run().exit_code, 1);
  file.add(second);
  const record::Run last = RecordReader(path_).last_run();
  EXPECT_EQ(last.run, 2);
  EXPECT_EQ(last.started_s, 6);
  EXPECT_EQ(last.executing, 3U);
  EXPECT_EQ(last.ended_s, std::nullopt);
  EXPECT_EQ(last.exit_code, std::nullopt);
}

TEST_F(RecordReaderTest, TheSummaryCountsStatesAndWhatEndedInTheLastRun) {
  record::Run second = run_of(10);
  second.run = 2;
  record::Row newer = row(2);
  newer.run = 2;
  WrittenRecord(path_).add(run_of(10)).add(second).add(row(0)).add(row(1, State::timed_out)).add(newer);
  const record::Summary summary = RecordReader(path_).summary(0, 0);
  EXPECT_EQ(summary.last_run.run, 2);
  EXPECT_EQ(summary.by_state, StateCounts(2, 0, 1, 0, 0));
  EXPECT_EQ(summary.ended_in_last_run, 1U);
}

TEST_F(RecordReaderTest, TheSummaryHasTheSlowestTasksFirst) {
  WrittenRecord file(path_);
  file.add(run_of(3));
  for (const int task : {0, 1, 2}) {
    record::Row one = row(static_cast<std::uint64_t>(task));
    one.label = fmt::format("label {}", task);
    one.outcome.elapsed_s = task == 1 ? 9.5 : task;
    file.add(one);
  }
  const auto slowest = RecordReader(path_).summary(2, 0).slowest;
  ASSERT_EQ(slowest.size(), 2U);
  EXPECT_EQ(slowest[0].task, TaskId(1));
  EXPECT_EQ(slowest[0].label, "label 1");
  EXPECT_EQ(slowest[0].elapsed_s, 9.5);
  EXPECT_EQ(slowest[1].task, TaskId(2));
}

TEST_F(RecordReaderTest, TheSummaryGroupsFailuresTheMostFrequentFirst) {
  WrittenRecord file(path_);
  file.add(run_of(10)).add(row(0)).add(row(1, State::lost, "rare"));
  for (const int task : {2, 3, 4}) file.add(row(static_cast<std::uint64_t>(task), State::failed, "often"));
  file.add(row(5, State::failed, "rare"));
  const auto failures = RecordReader(path_).summary(0, 2).failures;
  ASSERT_EQ(failures.size(), 2U);
  EXPECT_EQ(failures[0].error, "often");
  EXPECT_EQ(failures[0].count, 3U);
  EXPECT_EQ(failures[0].first, TaskId(2));
  EXPECT_EQ(failures[1].state, State::lost);
  EXPECT_EQ(failures[1].count, 1U);
}

// Beside a writer.

TEST_F(RecordReaderTest, WhatARunAddsMeanwhileIsSeenByTheNextReaderOnly) {
  WrittenRecord writer(path_);
  writer.add(run_of(10)).add(row(1)).add(row(5));
  const RecordReader reader(path_);
  std::vector<std::uint64_t> seen;
  reader.for_each({}, Texts::with, [&](const record::Row& one) {
    seen.push_back(one.outcome.task.get());
    writer.add(row(one.outcome.task.get() + 1));
    writer.database().execute("PRAGMA wal_checkpoint");
  });
  EXPECT_THAT(seen, ElementsAre(1, 5));
  EXPECT_EQ(reader.summary(0, 0).by_state[State::succeeded], 2U);
  EXPECT_THAT(tasks_of(RecordReader(path_)), ElementsAre(1, 2, 5, 6));
}

TEST_F(RecordReaderTest, WhatAKilledRunLeftInTheLogIsRead) {
  const WrittenRecord writer = std::move(WrittenRecord(path_).add(row(1)));
  leave_as_killed("killed.record");
  EXPECT_THAT(tasks_of(RecordReader(dir_.file("killed.record"))), ElementsAre(1));
}

TEST_F(RecordReaderTest, OnASharedFileSystemAReaderOfALiveRecordTouchesNothingOfIt) {
  WrittenRecord writer = std::move(WrittenRecord(path_).add(row(1)).add(run_of(9)));
  leave_as_killed("elsewhere.record");
  const std::vector<std::string> before = files();
  const RecordReader elsewhere(dir_.file("elsewhere.record"), true);
  EXPECT_EQ(files(), before) << "no index of the log is made";
  EXPECT_THAT(tasks_of(elsewhere), ElementsAre(1));
  const RecordReader reader(path_, true);
  EXPECT_THAT(tasks_of(reader), ElementsAre(1));
  writer.add(row(2));
  EXPECT_THAT(tasks_of(reader), ElementsAre(1)) << "as it was when it was opened";
  EXPECT_EQ(reader.last_run().tasks, 9U);
  EXPECT_THAT(tasks_of(RecordReader(path_, true)), ElementsAre(1, 2));
}

TEST_F(RecordReaderTest, OnASharedFileSystemEachStateOfALiveRecordIsOneThatWas) {
  constexpr std::uint64_t kRows = 1000;
  { WrittenRecord(path_).add(run_of(kRows)); }
  const pid_t child = fork();
  if (child == 0) {
    WrittenRecord writer(path_);
    writer.database().execute("PRAGMA wal_autocheckpoint = 20");
    record::Row one = row(0);
    one.outcome.stderr_text = std::string(3000, 'x');
    for (std::uint64_t task = 0; task < kRows; ++task) {
      one.outcome.task = TaskId(task);
      writer.add(one);
    }
    _exit(0);
  }
  std::size_t most = 0;
  for (bool ended = false; !ended;) {
    ended = waitpid(child, nullptr, WNOHANG) != 0;
    if (!fs::exists(path_ + "-wal")) continue;
    std::vector<std::uint64_t> tasks;
    try {
      tasks = tasks_of(RecordReader(path_, true));
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), HasSubstr("faster than"));
      continue;
    }
    ASSERT_TRUE(tasks.empty() || tasks.back() + 1 == tasks.size()) << "none is missing in between";
    ASSERT_GE(tasks.size(), most);
    most = tasks.size();
  }
  EXPECT_EQ(most, kRows);
}

TEST_F(RecordReaderTest, ARecordThatARunHoldsExclusivelyIsToBeReadWhenItHasEnded) {
  { WrittenRecord(path_).add(row(1)); }
  const Database writer(path_, Database::Access::read_write);
  writer.execute("PRAGMA locking_mode = EXCLUSIVE");
  writer.execute("DELETE FROM tasks");
  EXPECT_THAT(error(), HasSubstr("jobs.record is held by a running job"));
}

TEST_F(RecordReaderTest, ARunThatBeginsInTheMiddleOfReadingAnEndedRecordIsNoticed) {
  WrittenRecord(path_).add(row(1)).add(row(2));
  const RecordReader reader(path_);
  const auto read = [&] {
    reader.for_each({}, Texts::with, [&](const record::Row& /*row*/) { WrittenRecord(path_).add(row(3)); });
  };
  EXPECT_THAT(input_error(read), HasSubstr("jobs.record was written while it was read"));
}

// Folders that cannot be written.

TEST_F(RecordReaderTest, ReadingAnEndedRecordLeavesNothingBesideIt) {
  WrittenRecord(path_).add(row(1));
  EXPECT_THAT(tasks_of(RecordReader(path_)), ElementsAre(1));
  EXPECT_THAT(files(), ElementsAre("jobs.record"));
}

TEST_F(RecordReaderTest, AnEndedRecordIsReadWhereNothingCanBeWritten) {
  WrittenRecord(path_).add(row(1));
  const ReadOnlyFolder folder(dir_.path());
  EXPECT_THAT(tasks_of(RecordReader(path_)), ElementsAre(1));
}

TEST_F(RecordReaderTest, AnEmptyLogWhereNothingCanBeWrittenIsNoHindrance) {
  WrittenRecord(path_).add(row(1));
  dir_.write("jobs.record-wal", "");
  const ReadOnlyFolder folder(dir_.path());
  EXPECT_THAT(tasks_of(RecordReader(path_)), ElementsAre(1));
}

TEST_F(RecordReaderTest, ALogThatCannotBeReadIsNotIgnored) {
  const WrittenRecord writer = std::move(WrittenRecord(path_).add(row(1)));
  leave_as_killed("killed.record");
  const ReadOnlyFolder folder(dir_.path());
  EXPECT_THAT(input_error([&] { RecordReader(dir_.file("killed.record")); }),
              HasSubstr("cannot be read together with its log"));
}

TEST_F(RecordReaderTest, AFileMayHaveAnyName) {
  const std::string odd = dir_.file("a?b#c%20 d");
  WrittenRecord(odd).add(row(1));
  EXPECT_THAT(tasks_of(RecordReader(odd)), ElementsAre(1));
  EXPECT_THAT(files(), ElementsAre("a?b#c%20 d"));
}

// What is refused.

TEST_F(RecordReaderTest, WhatIsNoRecordIsRefusedInOneLineThatNamesIt) {
  const auto refusal = [&](const std::string& name) {
    return input_error([&] { RecordReader(dir_.file(name)); });
  };
  EXPECT_THAT(refusal("missing"), HasSubstr("missing cannot be opened: No such file or directory; check"));
  EXPECT_THAT(refusal(""), HasSubstr("is a directory; give a record"));
  dir_.write("text", std::string(5000, 'x'));
  EXPECT_THAT(refusal("text"), HasSubstr("text is no run record; give"));
  dir_.write("empty", "");
  EXPECT_THAT(refusal("empty"), HasSubstr("empty is empty: no run has begun on it;"));
  Database(dir_.file("other"), Database::Access::read_write).execute("CREATE TABLE tasks(task)");
  EXPECT_THAT(refusal("other"), HasSubstr("other is no run record; give"));
}

TEST_F(RecordReaderTest, AnotherVersionIsNamedBesideOurs) {
  WrittenRecord(path_).database().execute("PRAGMA user_version = 7");
  EXPECT_EQ(error(),
            path_ + " has record version 7, this parrun reads version 2; use the parrun that wrote it");
}

TEST_F(RecordReaderTest, ADamagedRowIsNamed) {
  WrittenRecord file(path_);
  file.add(row(1)).add(row(2)).database().execute("UPDATE tasks SET rank = 9 WHERE task = 2");
  EXPECT_THAT(error(), StartsWith(path_ + " is damaged (task 2: its checksum does not match); "));
}

TEST_F(RecordReaderTest, AnUnknownStateIsDamageInTheSummaryToo) {
  WrittenRecord file(path_);
  file.add(run_of(1)).add(row(1)).database().execute("UPDATE tasks SET state = 'fine'");
  EXPECT_THAT(input_error([&] { RecordReader(path_).summary(5, 5); }), HasSubstr("is damaged"));
}

TEST_F(RecordReaderTest, DamagedPagesAreDamage) {
  {
    WrittenRecord file(path_);
    for (std::uint64_t task = 0; task < 1000; ++task) file.add(row(task));
  }
  constexpr std::streamoff kPage = 4096;
  std::fstream(path_, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(3 * kPage)
      .write(std::string(10 * kPage, '\xff').data(), 10 * kPage);
  EXPECT_THAT(error(), HasSubstr("jobs.record is damaged ("));
}

TEST_F(RecordReaderTest, MissingTablesAreDamage) {
  WrittenRecord(path_).database().execute("DROP TABLE runs");
  EXPECT_THAT(error(), HasSubstr("jobs.record is damaged (its tables are missing)"));
}

TEST_F(RecordReaderTest, OneWhoseMakingWasCutShortIsToldAsThat) {
  const pid_t child = fork();
  if (child == 0) {
    Database database(path_, Database::Access::read_write);
    database.execute("PRAGMA cache_size = 1");  // so that what is not committed is written too
    database.execute("BEGIN");
    database.execute(record::kCreateTables);
    database.execute("CREATE TABLE more AS SELECT randomblob(100000)");
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(fs::exists(path_ + "-journal"));
  EXPECT_THAT(error(), AllOf(HasSubstr(path_ + " is not made yet"), HasSubstr("--resume goes on")));
}

}  // namespace
}  // namespace parrun
