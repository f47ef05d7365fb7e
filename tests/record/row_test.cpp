#include "record/row.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/bytes.hpp"
#include "core/outcome.hpp"
#include "record/schema.hpp"
#include "support/temp_dir.hpp"

namespace {

using namespace parrun;
using namespace parrun::record;
using parrun::test::TempDir;
using ::testing::EndsWith;
using ::testing::StartsWith;

class RowTest : public ::testing::Test {
 protected:
  RowTest() : database(dir.file("rows"), Database::Access::read_write) { database.execute(kCreateTables); }

  static Row full() {
    Row row;
    Outcome& outcome = row.outcome;
    outcome.task = TaskId(7);
    outcome.attempt = 2;
    outcome.state = State::failed;
    outcome.rank = Rank(3);
    outcome.host = "node3";
    outcome.started_s = 1.75e9 + 0.125;
    outcome.elapsed_s = 2.5;
    outcome.user_s = 1.25;
    outcome.system_s = 0.5;
    outcome.max_rss_kb = 4096;
    outcome.exit_code = 139;
    outcome.signal = 11;
    outcome.error = "killed by signal 11 (SIGSEGV)";
    outcome.error_type = "std::runtime_error";
    outcome.warning = "left 1 process behind";
    outcome.stdout_text = "out\n";
    outcome.stderr_text = std::string(10'000, 'e');
    outcome.value = "[1,2]";
    outcome.value_is_json = true;
    outcome.earlier = {Outcome()};
    outcome.earlier[0].task = TaskId(7);
    outcome.earlier[0].state = State::lost;
    outcome.earlier[0].host = "node2";
    row.label = "label";
    row.run = 4;
    return row;
  }
  Row back() {
    Statement rows = database.prepare("SELECT " + select_columns(Texts::with) + " FROM tasks");
    EXPECT_TRUE(rows.step());
    return read_row(rows);
  }
  std::string type_of(const std::string& column) {
    return database.text("SELECT typeof(" + column + ") FROM tasks");
  }

  TempDir dir;
  Database database;
};

TEST_F(RowTest, WhatIsWrittenIsReadBack) {
  Row row = full();
  RowWriter(database).write(row);
  const Row read = back();
  EXPECT_EQ(encode(read.outcome), encode(full().outcome));
  EXPECT_EQ(read.outcome.rank, Rank(3));
  EXPECT_EQ(read.outcome.host, "node3");
  ASSERT_EQ(read.outcome.earlier.size(), 1U);
  EXPECT_EQ(read.outcome.earlier[0].state, State::lost);
  EXPECT_EQ(read.outcome.earlier[0].host, "node2");
  EXPECT_EQ(read.label, "label");
  EXPECT_EQ(read.run, 4);
}

TEST_F(RowTest, AnEmptyOneHasNullsWhereThereIsNothing) {
  Row row;
  RowWriter(database).write(row);
  for (const char* column : {"label", "error", "value", "warning", "earlier", "error_type"}) {
    EXPECT_EQ(type_of(column), "null") << column;
  }
  EXPECT_EQ(type_of("stdout"), "text") << "it wrote, and that is nothing";
}

TEST_F(RowTest, AValueIsTextWhereItIsJsonAndElseABlob) {
  Row row = full();
  RowWriter(database).write(row);
  EXPECT_EQ(type_of("value"), "text");
  row.outcome.value_is_json = false;
  RowWriter(database).write(row);
  EXPECT_EQ(type_of("value"), "blob");
  EXPECT_FALSE(back().outcome.value_is_json);
}

TEST_F(RowTest, ShortTextsThatAreNoTextAreMadeOne) {
  Row row = full();
  row.outcome.error = "bad \xff byte";
  RowWriter(database).write(row);
  EXPECT_EQ(row.outcome.error, "bad ? byte") << "what is told is what is recorded";
  EXPECT_EQ(back().outcome.error, "bad ? byte");
}

// SQLite takes no row of a gigabyte.
TEST_F(RowTest, OfWhatATaskWroteAsMuchIsKeptAsARowTakes) {
  constexpr std::size_t kMost = 100'000;
  std::mt19937 random;
  std::string noise(80'000, '\0');
  for (char& byte : noise) byte = static_cast<char>(random());
  Row row = full();
  row.outcome.stdout_text = row.outcome.stderr_text = noise;
  RowWriter writer(database, kMost);
  writer.write(row);
  EXPECT_LE(database.integer("SELECT length(stdout) + length(stderr) + length(value) FROM tasks"), kMost);
  EXPECT_EQ(back().outcome.stdout_text, noise);
  const std::string cut = back().outcome.stderr_text;
  EXPECT_EQ(cut.substr(0, 15'000), noise.substr(0, 15'000));
  EXPECT_THAT(cut, EndsWith("\n[parrun: cut here, more does not fit into the record]\n"));
  EXPECT_EQ(row.outcome.stderr_text, cut) << "what is told is what is recorded";

  row.outcome.stdout_text = row.outcome.stderr_text = std::string(10 * kMost, 'x');
  writer.write(row);
  EXPECT_EQ(back().outcome.stderr_text, row.outcome.stderr_text) << "compressed they are small";
  EXPECT_EQ(row.outcome.stderr_text.size(), 10 * kMost);

  row.outcome.value = std::string(kMost, '1');
  row.outcome.stdout_text = noise;
  writer.write(row);
  EXPECT_THAT(back().outcome.stdout_text, StartsWith("\n[parrun: cut here"));
}

TEST_F(RowTest, OnlyTheLastOutcomeOfATaskIsKept) {
  Row row = full();
  RowWriter writer(database);
  writer.write(row);
  row.outcome.state = State::succeeded;
  writer.write(row);
  EXPECT_EQ(database.integer("SELECT count(*) FROM tasks"), 1);
  EXPECT_EQ(back().outcome.state, State::succeeded);
}

TEST_F(RowTest, AnyChangeButOfTheTextsIsFoundByTheChecksum) {
  for (const char* change :
       {"task = 8", "label = 'x'", "state = 'succeeded'", "attempt = 3", "rank = 1", "host = 'x'",
        "started = 1", "elapsed_s = 1", "user_s = 1", "system_s = 1", "max_rss_kb = 1", "exit_code = 0",
        "signal = 0", "error = NULL", "warning = NULL", "earlier = NULL", "error_type = NULL", "run = 1",
        "checksum = 0"}) {
    database.execute("DELETE FROM tasks");
    Row row = full();
    RowWriter(database).write(row);
    database.execute((std::string("UPDATE tasks SET ") + change).c_str());
    EXPECT_THROW(back(), FormatError) << change;
  }
}

}  // namespace
