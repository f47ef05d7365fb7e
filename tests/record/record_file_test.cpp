#include "record/record_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/host.hpp"
#include "record/holder.hpp"
#include "record/row.hpp"
#include "support/batches.hpp"
#include "support/temp_dir.hpp"

namespace {

using namespace parrun;
using namespace parrun::record;
using parrun::test::input_error;
using parrun::test::read_bytes;
using parrun::test::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Existing = OpenOptions::Existing;

class RecordFileTest : public ::testing::Test {
 protected:
  RecordFile open(Existing existing = Existing::refuse, bool resume_failed = false) {
    return {
        {.path = path, .existing = existing, .resume_failed = resume_failed, .command = "parrun", .ranks = 3},
        batch};
  }
  std::string refusal(Existing existing = Existing::refuse) {
    return input_error([&] { open(existing); });
  }
  static void write(const RecordFile& file, std::uint64_t task, State state) {
    Row row;
    row.outcome.task = TaskId(task);
    row.outcome.state = state;
    row.outcome.host = "here";
    row.outcome.error = state == State::succeeded ? "" : "why";
    row.run = file.run();
    RowWriter(file.database()).write(row);
  }
  /// Of a batch of ten, a task in each state; `cut`: without an end, as if it was killed.
  void make_record(bool cut = false) {
    RecordFile file = open();
    std::uint64_t task = 0;
    for (const State state :
         {State::succeeded, State::failed, State::timed_out, State::lost, State::cancelled}) {
      write(file, task++, state);
    }
    if (!cut) file.end_run(1);
  }

  TempDir dir;
  std::string path = dir.file("jobs.record");
  BatchIdentity batch{.path = "jobs.bin", .content_hash = 0xabcdef, .tasks = 10};
};

TEST_F(RecordFileTest, ANewOneHasNothingSettled) {
  const RecordFile file = open();
  EXPECT_EQ(file.settled().tasks.count(), 0U);
  EXPECT_FALSE(file.nothing_to_do());
  EXPECT_EQ(file.run(), 1);
}

TEST_F(RecordFileTest, ResumingWhereThereIsNoneMakesOne) {
  open(Existing::resume).end_run(0);
  EXPECT_EQ(open(Existing::resume).run(), 2);
}

TEST_F(RecordFileTest, ARunWhoseRowIsRemovedByOthersIsNotTakenForRecorded) {
  RecordFile file = open();
  file.update_run(0);
  Database(path, Database::Access::read_write).execute("DELETE FROM runs");
  EXPECT_THAT([&] { file.update_run(0); },
              ::testing::ThrowsMessage<std::runtime_error>(HasSubstr("removed this run's row")));
  EXPECT_THROW(file.end_run(0), std::runtime_error);
}

TEST_F(RecordFileTest, AnEmptyFileIsNone) {
  dir.write("jobs.record", "");
  EXPECT_EQ(open().run(), 1);
}

TEST_F(RecordFileTest, OneThatExistsIsRefusedWithWhatToDo) {
  make_record();
  const std::string before = read_bytes(path);
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path), HasSubstr("--resume"), HasSubstr("--overwrite")));
  EXPECT_EQ(read_bytes(path), before);
}

TEST_F(RecordFileTest, ResumingRunsWhatDidNotSucceedButWhatFailed) {
  make_record();
  const RecordFile file = open(Existing::resume);
  EXPECT_EQ(file.settled().tasks.count(), 3U);
  EXPECT_TRUE(file.settled().tasks.contains(TaskId(0)));
  EXPECT_TRUE(file.settled().tasks.contains(TaskId(1)));
  EXPECT_TRUE(file.settled().tasks.contains(TaskId(2)));
  EXPECT_EQ(file.settled().by_state[State::failed], 1U);
  EXPECT_EQ(file.settled().exit_code, 1);
}

TEST_F(RecordFileTest, ResumingFailedOnesRunsAllThatDidNotSucceed) {
  make_record();
  const RecordFile file = open(Existing::resume, true);
  EXPECT_EQ(file.settled().tasks.count(), 1U);
  EXPECT_TRUE(file.settled().again.contains(TaskId(1)));
}

TEST_F(RecordFileTest, ARunThatWasKilledIsResumedFromItsLog) {
  const pid_t child = fork();
  if (child == 0) {
    RecordFile file = open();
    for (std::uint64_t task = 0; task < 7; ++task) write(file, task, State::succeeded);
    _exit(0);  // nothing is closed
  }
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(std::filesystem::exists(path + "-wal"));
  const RecordFile file = open(Existing::resume);
  EXPECT_EQ(file.settled().tasks.count(), 7U);
  EXPECT_EQ(file.settled().exit_code, std::nullopt);
}

TEST_F(RecordFileTest, AFinishedBatchLeavesNothingToDo) {
  {
    RecordFile file = open();
    for (std::uint64_t task = 0; task < 10; ++task) write(file, task, State::succeeded);
    file.end_run(0);
  }
  const std::string before = read_bytes(path);
  RecordFile file = open(Existing::resume);
  EXPECT_TRUE(file.nothing_to_do());
  EXPECT_EQ(file.settled().exit_code, 0);
  file.end_run(7);
  EXPECT_EQ(read_bytes(path), before) << "there is no run to be recorded";
}

TEST_F(RecordFileTest, OverwritingBeginsAnewEvenBesideAnOldLog) {
  const pid_t child = fork();
  if (child == 0) {
    write(open(), 3, State::succeeded);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  const RecordFile file = open(Existing::overwrite);
  EXPECT_EQ(file.run(), 1);
  EXPECT_EQ(file.database().integer("SELECT count(*) FROM tasks"), 0);
}

// Its header says whose it is.
TEST_F(RecordFileTest, ADamagedOneIsOverwrittenAndADamagedFileOfOthersIsNot) {
  const auto damage = [&] {
    std::string bytes = read_bytes(path);
    std::fill(bytes.begin() + 100, bytes.begin() + 4096, '\xee');
    dir.write("jobs.record", bytes);
  };
  Database(path, Database::Access::read_write).execute("CREATE TABLE mine(x)");
  damage();
  EXPECT_THAT(refusal(Existing::overwrite), HasSubstr("is damaged"));
  std::filesystem::remove(path);
  make_record();
  damage();
  EXPECT_THAT(refusal(Existing::resume), AllOf(HasSubstr("is damaged"), HasSubstr("--overwrite")));
  const RecordFile file = open(Existing::overwrite);
  EXPECT_EQ(file.run(), 1);
  EXPECT_EQ(file.database().integer("SELECT count(*) FROM tasks"), 0);
}

TEST_F(RecordFileTest, OneOfAnotherBatchIsRefused) {
  make_record();
  batch.content_hash = 1;
  batch.path = "others.bin";
  EXPECT_THAT(refusal(Existing::resume),
              AllOf(HasSubstr("another batch"), HasSubstr("jobs.bin"), HasSubstr("others.bin")));
}

TEST_F(RecordFileTest, OneOfAnotherVersionIsRefused) {
  make_record();
  Database(path, Database::Access::read_write).execute("PRAGMA user_version = 7");
  EXPECT_THAT(refusal(Existing::resume), HasSubstr("version 7"));
  EXPECT_THAT(refusal(Existing::overwrite), HasSubstr("version 7"));
}

TEST_F(RecordFileTest, AnotherFileIsNeverOverwritten) {
  for (const std::string& content : {std::string("task,state\n1,done\n"), std::string(10000, 'x')}) {
    dir.write("jobs.record", content);
    for (const Existing existing : {Existing::refuse, Existing::resume, Existing::overwrite}) {
      EXPECT_THAT(refusal(existing), HasSubstr("is no run record"));
      EXPECT_EQ(read_bytes(path), content);
    }
  }
  std::filesystem::remove(path);
  Database(path, Database::Access::read_write).execute("CREATE TABLE mine(x)");
  EXPECT_THAT(refusal(Existing::overwrite), HasSubstr("is no run record"));
}

// Who holds it.

TEST_F(RecordFileTest, OneThatARunHoldsIsRefusedWithItsHostAndProcess) {
  const RecordFile file = open();
  for (const Existing existing : {Existing::refuse, Existing::resume, Existing::overwrite}) {
    EXPECT_THAT(refusal(existing),
                AllOf(HasSubstr("in use"), HasSubstr(std::to_string(getpid())), HasSubstr(host_name())));
  }
}

TEST_F(RecordFileTest, OneIsFreeWhenItsRunHasEnded) {
  RecordFile file = open();
  file.end_run(0);
  EXPECT_EQ(refusal(Existing::resume), "");
}

TEST(Holder, AProcessIsToldFromALaterOneOfItsPid) {
  Holder self = this_process();
  EXPECT_TRUE(is_alive(self));
  self.process = "1";
  EXPECT_FALSE(is_alive(self));
  const pid_t child = fork();
  if (child == 0) _exit(0);
  siginfo_t ended{};
  waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT);
  EXPECT_EQ(process_mark(child), "") << "it is dead though its parent has not waited for it";
  waitpid(child, nullptr, 0);
  EXPECT_EQ(process_mark(child), "");
}

// Damage.

// A record of ten succeeded tasks with texts that fill some pages.
class DamagedRecord : public RecordFileTest {
 protected:
  void SetUp() override {
    RecordFile file = open();
    RowWriter writer(file.database());
    for (std::uint64_t task = 0; task < 8; ++task) {
      Row row;
      row.outcome.task = TaskId(task);
      row.outcome.state = task % 4 == 3 ? State::failed : State::succeeded;
      row.outcome.host = "here";
      row.outcome.stdout_text = std::string(900, static_cast<char>('a' + task));
      row.run = 1;
      writer.write(row);
    }
    file.end_run(1);
    whole = read_bytes(path);
  }
  /// Refused in a clear line, or resumed with nothing settled that was not.
  void expect_no_wrong_done(const std::string& content, const std::string& what) {
    for (const char* suffix : {"-wal", "-shm", "-journal"}) std::filesystem::remove(path + suffix);
    dir.write("jobs.record", content);
    try {
      const RecordFile file = open(Existing::resume, true);
      for (std::uint64_t task = 0; task < 10; ++task) {
        const bool succeeded = task < 8 && task % 4 != 3;
        EXPECT_FALSE(!succeeded && file.settled().tasks.contains(TaskId(task))) << what << ", task " << task;
      }
      ++resumed;
    } catch (const InputError& error) {
      EXPECT_THAT(error.what(), ::testing::StartsWith(path)) << what;
      ++refused;
    }
  }

  std::string whole;
  int resumed = 0;
  int refused = 0;
};

TEST_F(DamagedRecord, CutAnywhereItIsRefusedOrResumedWithWhatIsGood) {
  for (std::size_t size = 0; size < whole.size(); size += size < 200 ? 1 : 97) {
    expect_no_wrong_done(whole.substr(0, size), "cut at byte " + std::to_string(size));
  }
  EXPECT_GT(refused, 100);
}

TEST_F(DamagedRecord, ATornPageIsRefusedOrResumedWithWhatIsGood) {
  for (std::size_t at = 0; at + 512 <= whole.size(); at += 512) {
    std::string torn = whole;
    torn.replace(at, 512, 512, '\0');
    expect_no_wrong_done(torn, "torn at byte " + std::to_string(at));
  }
  EXPECT_GT(refused, 5);
}

TEST_F(DamagedRecord, AFlippedBitMakesNoTaskSucceed) {
  for (std::size_t at = 0; at < whole.size(); at += 13) {
    std::string flipped = whole;
    flipped[at] ^= 0x10;
    expect_no_wrong_done(flipped, "flipped at byte " + std::to_string(at));
  }
  EXPECT_GT(refused, 20);
  EXPECT_GT(resumed, 20) << "texts and empty space are not looked at";
}

TEST_F(DamagedRecord, AChangedStateIsFoundByTheRowsChecksum) {
  Database(path, Database::Access::read_write).execute("UPDATE tasks SET state = 'succeeded' WHERE task = 3");
  EXPECT_THAT(refusal(Existing::resume), AllOf(HasSubstr("task 3"), HasSubstr("checksum")));
}

TEST_F(DamagedRecord, ALogThatIsCutAnywhereGivesWhatWasCommittedBefore) {
  std::filesystem::remove(path);
  const pid_t child = fork();
  if (child == 0) {
    RecordFile file = open();
    for (std::uint64_t task = 0; task < 8; ++task) write(file, task, State::succeeded);
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  const std::string log = read_bytes(path + "-wal");
  const std::string main_file = read_bytes(path);
  std::uint64_t last = 0;
  for (std::size_t size = 0; size <= log.size(); size += 509) {
    dir.write("jobs.record", main_file);
    std::filesystem::remove(path + "-shm");
    dir.write("jobs.record-wal", log.substr(0, size));
    const RecordFile file = open(Existing::resume);
    const std::uint64_t settled = file.settled().tasks.count();
    EXPECT_GE(settled, last) << "what was committed before stays";
    for (std::uint64_t task = 0; task < settled; ++task)
      EXPECT_TRUE(file.settled().tasks.contains(TaskId(task)));
    last = settled;
  }
  EXPECT_GE(last, 7U);
}

// Places.

TEST_F(RecordFileTest, AFolderThatIsNotThereIsRefusedWithWhatToDo) {
  path = dir.file("none/jobs.record");
  EXPECT_THAT(refusal(), AllOf(HasSubstr(path), HasSubstr("--record"), HasSubstr("--no-record")));
}

TEST_F(RecordFileTest, ADirectoryIsRefused) {
  path = dir.path().string();
  EXPECT_THAT(refusal(), HasSubstr("--record"));
}

// What earlier runs tell.

TEST_F(RecordFileTest, RunsThatBroughtNoTaskToItsEndAreCounted) {
  const auto run = [&](std::optional<State> outcome) {
    RecordFile file = open(Existing::resume);
    if (outcome) write(file, 5, *outcome);
    file.end_run(124);
    return file.settled().fruitless_runs;
  };
  EXPECT_EQ(run({}), 0);
  EXPECT_EQ(run(State::cancelled), 1);
  EXPECT_EQ(run(State::failed), 2) << "what was cancelled has come to no end";
  EXPECT_EQ(run({}), 0);
  EXPECT_EQ(run({}), 1);
}

TEST_F(RecordFileTest, HowLongItsTasksTookIsKnown) {
  EXPECT_FALSE(open().settled().durations.longest_s());
  {
    RecordFile file = open(Existing::resume);
    Row row;
    row.label = "long";
    row.outcome.elapsed_s = 100;
    row.run = file.run();
    RowWriter(file.database()).write(row);
  }
  EXPECT_GE(open(Existing::resume).settled().durations.expected_s("long"), 100);
}

// Shards.

TEST_F(RecordFileTest, OfAShardIsDoneWithTheTasksOfTheShard) {
  batch.shard = {2, 4};  // tasks 1, 5, 9
  {
    RecordFile file = open();
    for (const std::uint64_t task : {1, 5}) write(file, task, State::succeeded);
    file.end_run(0);
  }
  {
    RecordFile file = open(Existing::resume);
    EXPECT_EQ(file.shard(), batch.shard);
    EXPECT_EQ(file.settled().tasks.count(), 2U);
    EXPECT_FALSE(file.nothing_to_do());
    write(file, 9, State::succeeded);
    file.end_run(0);
  }
  EXPECT_TRUE(open(Existing::resume).nothing_to_do());
}

TEST_F(RecordFileTest, OfAnotherShardIsNotGoneOnWith) {
  batch.shard = {2, 4};
  open().end_run(0);
  batch.shard = {3, 4};
  EXPECT_THAT(
      refusal(Existing::resume),
      AllOf(HasSubstr(path), HasSubstr("of shard 2/4, this run is of shard 3/4"), HasSubstr("--shard 2/4")));
  batch.shard = {};
  EXPECT_THAT(refusal(Existing::resume), HasSubstr("this run is of shard 1/1"));
}

TEST_F(RecordFileTest, WithATaskThatIsNotOfItsShardIsDamaged) {
  batch.shard = {2, 4};
  {
    RecordFile file = open();
    write(file, 2, State::succeeded);
    file.end_run(0);
  }
  EXPECT_THAT(refusal(Existing::resume), HasSubstr("task 2 is not of its shard"));
}

}  // namespace
