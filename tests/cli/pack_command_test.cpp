#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <sstream>

#include "cli/commands.hpp"
#include "support/batches.hpp"
#include "support/record_file.hpp"
#include "support/temp_dir.hpp"

namespace parrun {
namespace {

using test::command;
using test::input_error;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

int pack(std::vector<std::string> arguments) {
  CLI::App app;
  Action chosen;
  add_pack(app, chosen);
  arguments.insert(arguments.begin(), "pack");
  app.parse(std::vector(arguments.rbegin(), arguments.rend()));  // CLI11 takes them from the back
  ::testing::internal::CaptureStderr();
  try {
    const int code = chosen();
    ::testing::internal::GetCapturedStderr();
    return code;
  } catch (...) {
    ::testing::internal::GetCapturedStderr();
    throw;
  }
}

std::string refusal(const std::vector<std::string>& arguments) {
  return input_error([&] { pack(arguments); });
}

// What std::cin reads while it lives.
class Stdin {
 public:
  explicit Stdin(const std::string& text) : text_(text) { std::cin.rdbuf(text_.rdbuf()); }
  ~Stdin() {
    std::cin.rdbuf(before_);
    std::cin.clear();
  }
  Stdin(const Stdin&) = delete;
  Stdin& operator=(const Stdin&) = delete;

 private:
  // Before the buffer is looked at, and the command asks for it again: only the first time exchanges it.
  const bool ignored_ = std::ios::sync_with_stdio(false);
  std::streambuf* const before_ = std::cin.rdbuf();
  std::istringstream text_;
};

class PackCommandTest : public ::testing::Test {
 protected:
  void SetUp() override { test::write_batch(jobs_, {command("a"), command("b"), command("c")}); }
  std::vector<TaskSpec> retried() const { return test::tasks_of(BatchFile(retry_)); }

  const test::TempDir dir_;
  const std::string jobs_ = dir_.file("jobs.bin");
  const std::string retry_ = dir_.file("retry.bin");
  const std::string list_ = dir_.write("failed.txt", "2\n0\n");
};

TEST_F(PackCommandTest, PacksTheTasksOfAnotherBatchThatAListNames) {
  EXPECT_EQ(pack({"--from", jobs_, "--indices", list_, "-o", retry_}), 0);
  EXPECT_THAT(retried(), ElementsAre(command("c"), command("a")));
}

TEST_F(PackCommandTest, ReadsTheListFromStdin) {
  const Stdin in("1\n");
  EXPECT_EQ(pack({"--from", jobs_, "--indices", "-", "-o", retry_}), 0);
  EXPECT_THAT(retried(), ElementsAre(command("b")));
}

TEST_F(PackCommandTest, AnEmptyListMakesAnEmptyBatch) {
  EXPECT_EQ(pack({"--from", jobs_, "--indices", dir_.write("none.txt", ""), "-o", retry_}), 0);
  EXPECT_THAT(retried(), IsEmpty());
}

TEST_F(PackCommandTest, AFileOfCommandsIsPackedAsBefore) {
  EXPECT_EQ(pack({dir_.write("commands.txt", "x\ny\n"), "-o", retry_}), 0);
  EXPECT_THAT(retried(), ElementsAre(command("x"), command("y")));
}

TEST_F(PackCommandTest, WithoutAListAllTasksOfABatchArePacked) {
  EXPECT_EQ(pack({"--from", jobs_, "-o", retry_}), 0);
  EXPECT_THAT(retried(), ElementsAre(command("a"), command("b"), command("c")));
}

TEST_F(PackCommandTest, JsonLinesWithoutTheirOptionAreNotTakenForCommands) {
  const std::string lines = dir_.write("jobs.jsonl", "x\n{\"command\": \"true\"}\n");
  EXPECT_EQ(refusal({lines, "-o", retry_}),
            lines + ":2: it begins as a JSON object, and not as a command; give --jsonl");
}

TEST_F(PackCommandTest, AnUnknownFunctionIsToldWithThoseThatThereAre) {
  const std::string lines = dir_.write("jobs.jsonl", R"({"call": "ech0", "args": []})");
  EXPECT_THAT(refusal({"--jsonl", lines, "-o", retry_}),
              AllOf(HasSubstr("unknown function 'ech0'; give --load the module that registers it; there is "),
                    HasSubstr(", ...")));
}

TEST_F(PackCommandTest, AListNeedsABatchAndExcludesTheOptionsOfAFile) {
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--from", jobs_, "--indices", list_, "-o", retry_});
    return refusal(more);
  };
  EXPECT_THAT(refusal({"-o", retry_}), StartsWith("nothing to pack; give a FILE"));
  EXPECT_THAT(refusal({"--indices", list_, "-o", retry_}), StartsWith("--indices without --from; "));
  EXPECT_THAT(refusal({list_, "--indices", list_, "-o", retry_}), StartsWith("--indices without --from; "));
  EXPECT_THAT(with({list_}), HasSubstr("exclude each other"));
  EXPECT_THAT(with({"--jsonl"}), StartsWith("--jsonl is for a FILE"));
  EXPECT_THAT(with({"--load", dir_.file("missing.so")}), StartsWith("--load is for a FILE"));
}

TEST_F(PackCommandTest, WhatIsWrongWithTheListOrTheBatchIsToldByItsName) {
  const auto list = [&](const std::string& path) {
    return refusal({"--from", jobs_, "--indices", path, "-o", retry_});
  };
  EXPECT_EQ(list(dir_.write("far.txt", "7\n")),
            dir_.file("far.txt") + ":1: task 7 is not in " + jobs_ + ", which has tasks 0 to 2");
  EXPECT_THAT(list(dir_.file("missing")), HasSubstr("give a file of task indices"));
  EXPECT_THAT(list(dir_.path().string()), HasSubstr("is a directory; give a file of task indices"));
  EXPECT_THAT(refusal({"--from", list_, "--indices", list_, "-o", retry_}), HasSubstr("is no batch file"));
  EXPECT_FALSE(std::filesystem::exists(retry_)) << "nor is there half a batch";
  const Stdin in("x");
  EXPECT_THAT(list("-"), StartsWith("stdin:1: 'x' is no task index"));
}

TEST_F(PackCommandTest, ItsInputsAreNotReplaced) {
  const std::string link = dir_.file("link.bin");
  std::filesystem::create_symlink(jobs_, link);
  for (const std::string& output : {jobs_, link, list_}) {
    EXPECT_THAT(refusal({"--from", jobs_, "--indices", list_, "-o", output}),
                HasSubstr("would replace the input itself"))
        << output;
  }
}

TEST_F(PackCommandTest, ARecordThatCostsComeFromIsNotReplaced) {
  const std::string record = dir_.file("jobs.record");
  test::WrittenRecord(record).add(test::row(0));
  const std::string before = test::read_bytes(record);
  const std::string commands = dir_.write("commands.txt", "x\n");
  EXPECT_THAT(refusal({commands, "--costs-from", record, "-o", record}),
              HasSubstr("would replace the input itself"));
  EXPECT_EQ(test::read_bytes(record), before);
}

}  // namespace
}  // namespace parrun
