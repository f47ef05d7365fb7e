#include "parrun/batch_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <thread>

#include "parrun/shared.hpp"
#include "support/batches.hpp"
#include "support/temp_dir.hpp"

namespace batch_writer_test {

double simulate(int seed, double temperature) { return seed + temperature; }
PARRUN_TASK(simulate);

double look_up(const parrun::Shared<double>& table, int i) { return table[static_cast<std::size_t>(i)]; }
PARRUN_TASK(look_up);

}  // namespace batch_writer_test

namespace parrun {
namespace {

using batch_writer_test::look_up;
using batch_writer_test::simulate;
using test::command;
using test::input_error;
using test::TempDir;
using ::testing::HasSubstr;

std::vector<std::string> names_in(const TempDir& dir) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path()))
    names.push_back(entry.path().filename());
  return names;
}

TEST(BatchWriter, WritesCallsAndCommandsThatComeBack) {
  const TempDir dir;
  BatchWriter writer(dir.file("jobs.bin"));
  writer.add(task<simulate>(1, 2.0).label("one").timeout(std::chrono::seconds(3)).cost(4));
  writer.add_command("echo hi");
  writer.add_argv({"sort", "-n"},
                  {.retries = 2, .cost = 1.5, .env = {{"A", "b"}}, .cwd = "/", .stdin_text = "3"});
  writer.finish();

  const BatchFile batch(dir.file("jobs.bin"));
  EXPECT_EQ(batch.functions(), std::vector<std::string>{"simulate"});
  const auto specs = test::tasks_of(batch);
  ASSERT_EQ(specs.size(), 3);
  EXPECT_EQ(specs[0].label, "one");
  EXPECT_EQ(specs[0].timeout, std::chrono::seconds(3));
  EXPECT_EQ(specs[0].cost, 4);
  EXPECT_EQ((detail::from_bytes<int, double>(std::get<Call>(specs[0].work).arguments)), (std::tuple{1, 2.0}));
  EXPECT_EQ(specs[1], command("echo hi"));
  EXPECT_EQ(specs[2].retries, 2);
  EXPECT_EQ(specs[2].cost, 1.5);
  EXPECT_EQ(specs[2].cwd, "/");
}

TEST(BatchWriter, RefusesACallThatRefersToASharedValue) {
  const TempDir dir;
  BatchWriter writer(dir.file("jobs.bin"));
  const Shared<double> table({1, std::make_shared<double>(0.5)}, 1);
  EXPECT_THAT(input_error([&] { writer.add(task<look_up>(table, 0)); }),
              HasSubstr("a call of look_up refers to a shared value, which ends with its pool"));
  writer.add(task<look_up>(Shared<double>(), 0));
}

TEST(BatchWriter, UnfinishedLeavesNoFile) {
  const TempDir dir;
  {
    BatchWriter writer(dir.file("jobs.bin"));
    writer.add_command("echo hi");
    EXPECT_FALSE(std::filesystem::exists(dir.file("jobs.bin")));
  }
  EXPECT_TRUE(names_in(dir).empty());
}

TEST(BatchWriter, UnfinishedLeavesTheFileThatWasThere) {
  const TempDir dir;
  dir.write("jobs.bin", "old");
  BatchWriter(dir.file("jobs.bin")).add_command("echo hi");
  EXPECT_EQ(test::read_bytes(dir.file("jobs.bin")), "old");
  EXPECT_EQ(names_in(dir).size(), 1);
}

TEST(BatchWriter, FinishedReplacesTheFileThatWasThere) {
  const TempDir dir;
  dir.write("jobs.bin", "old");
  BatchWriter writer(dir.file("jobs.bin"));
  writer.finish();
  EXPECT_EQ(BatchFile(dir.file("jobs.bin")).size(), 0);
  EXPECT_EQ(names_in(dir).size(), 1);
}

TEST(BatchWriter, ALinkStaysALink) {
  const TempDir dir;
  dir.write("target", "old");
  std::filesystem::create_symlink("target", dir.file("jobs.bin"));
  BatchWriter writer(dir.file("jobs.bin"));
  writer.finish();
  EXPECT_TRUE(std::filesystem::is_symlink(dir.file("jobs.bin")));
  EXPECT_EQ(BatchFile(dir.file("target")).size(), 0);
}

TEST(BatchWriter, ALinkToWhatIsNotThereYetStaysALinkToo) {
  const TempDir dir;
  std::filesystem::create_directory(dir.file("far"));
  std::filesystem::create_symlink("far/link", dir.file("jobs.bin"));
  std::filesystem::create_symlink("target", dir.file("far/link"));
  BatchWriter(dir.file("jobs.bin")).finish();
  EXPECT_TRUE(std::filesystem::is_symlink(dir.file("jobs.bin")));
  EXPECT_TRUE(std::filesystem::is_symlink(dir.file("far/link")));
  EXPECT_EQ(BatchFile(dir.file("far/target")).size(), 0);
  std::filesystem::create_symlink("circle", dir.file("circle"));
  EXPECT_THAT(input_error([&] { BatchWriter writer(dir.file("circle")); }), HasSubstr("symbolic links"));
}

TEST(BatchWriter, AReplacedFileKeepsItsMode) {
  const TempDir dir;
  const std::string path = dir.write("jobs.bin", "old");
  const auto mode = [&] { return std::filesystem::status(path).permissions(); };
  for (const auto kept : {0600, 0666, 0440}) {  // a secret, one that all may write, one that nobody may
    ASSERT_EQ(::chmod(path.c_str(), static_cast<mode_t>(kept)), 0);
    BatchWriter(path).finish();
    EXPECT_EQ(mode(), std::filesystem::perms(kept));
  }
}

TEST(BatchWriter, TwoWritersOfOneFileDoNotMix) {
  const TempDir dir;
  BatchWriter one(dir.file("jobs.bin")), two(dir.file("jobs.bin"));
  one.add_command("one");
  two.add_command("two");
  two.finish();
  one.finish();
  EXPECT_EQ(test::tasks_of(BatchFile(dir.file("jobs.bin"))), std::vector{command("one")});
}

TEST(BatchWriter, AddingAfterTheEndIsAMistakeOfTheProgram) {
  const TempDir dir;
  BatchWriter writer(dir.file("jobs.bin"));
  writer.finish();
  EXPECT_THROW(writer.add_command("x"), std::logic_error);
  EXPECT_THROW(writer.finish(), std::logic_error);
}

TEST(BatchWriter, TheOneThatWasMovedFromIsRefusedAndTheOtherGoesOn) {
  const TempDir dir;
  BatchWriter empty(dir.file("jobs.bin"));
  empty.add_command("one");
  BatchWriter writer = std::move(empty);
  EXPECT_THROW(empty.add_command("x"), std::logic_error);
  EXPECT_THROW(empty.add_argv({"x"}), std::logic_error);
  EXPECT_THROW(empty.add(task<look_up>(Shared<double>(), 0)), std::logic_error);
  EXPECT_THROW(empty.finish(), std::logic_error);
  writer.add_command("two");
  writer.finish();
  EXPECT_EQ(test::tasks_of(BatchFile(dir.file("jobs.bin"))), (std::vector{command("one"), command("two")}));
}

TEST(BatchWriter, WhatNoTaskCanBeIsRefused) {
  const TempDir dir;
  BatchWriter writer(dir.file("jobs.bin"));
  EXPECT_THAT(input_error([&] { writer.add_command(std::string("a\0b", 3)); }), HasSubstr("NUL"));
  EXPECT_THAT(input_error([&] { writer.add_command(""); }), HasSubstr("empty"));
  EXPECT_THAT(input_error([&] { writer.add_argv({}); }), HasSubstr("names no program"));
  EXPECT_THAT(input_error([&] { writer.add_command("x", {.timeout = std::chrono::seconds(0)}); }),
              HasSubstr("timeout"));
  EXPECT_THAT(input_error([&] { writer.add_command("x", {.retries = -1}); }), HasSubstr("retries"));
  EXPECT_THAT(input_error([&] { writer.add_command("x", {.cost = -0.5}); }), HasSubstr("cost is -0.5"));
  EXPECT_THAT(input_error([&] { writer.add_command("x", {.env = {{"A=B", ""}}}); }), HasSubstr("A=B"));
}

TEST(BatchWriter, APlaceThatCannotBeWrittenIsNamed) {
  const TempDir dir;
  EXPECT_THAT(input_error([&] { BatchWriter writer(dir.file("no/jobs.bin")); }),
              HasSubstr("no/jobs.bin: No such file"));
  EXPECT_THAT(input_error([&] { BatchWriter writer(dir.path().string()); }), HasSubstr("it is a directory"));
  EXPECT_THAT(input_error([&] { BatchWriter("/dev/full").finish(); }), HasSubstr("No space left"));
  EXPECT_TRUE(names_in(dir).empty());
}

TEST(BatchWriter, ADeviceIsWrittenToAndNotReplaced) {
  BatchWriter("/dev/null").finish();
  struct stat status {};
  ASSERT_EQ(::stat("/dev/null", &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
}

TEST(BatchFileWriter, WritesTheSameIntoAPipe) {
  const TempDir dir;
  const std::vector specs{command("a"), test::call("f", Bytes(3 << 20, 'x')), command("b")};
  test::write_batch(dir.file("jobs.bin"), specs);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);
  std::jthread writer([&] {
    BatchFileWriter out(write_end.get(), "a pipe");
    for (const TaskSpec& spec : specs) out.add(spec);
    out.finish();
    write_end.reset();
  });
  std::string piped;
  std::string part(1 << 16, '\0');
  for (ssize_t got; (got = ::read(read_end.get(), part.data(), part.size())) > 0;) {
    piped.append(part, 0, static_cast<std::size_t>(got));
  }
  EXPECT_TRUE(piped == test::read_bytes(dir.file("jobs.bin")));
}

}  // namespace
}  // namespace parrun
