#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/run_arguments.hpp"

namespace parrun {
namespace {

std::string way_on(std::vector<std::string> words, bool overwrite = false, bool resume = false) {
  RunArguments arguments;
  arguments.run.batch_file = "jobs.bin";
  arguments.overwrite = overwrite;
  arguments.resume = resume;
  words.insert(words.begin(), "parrun");
  words.emplace_back("jobs.bin");
  arguments.words = std::move(words);
  read_record_options(arguments);
  return arguments.console.resume_command;
}

TEST(WayOn, IsTheSameCommandThatResumes) {
  EXPECT_EQ(way_on({"--timeout", "3"}), "parrun --resume --timeout 3 jobs.bin");
  EXPECT_EQ(way_on({"--resume", "-q"}, false, true), "parrun --resume -q jobs.bin");
}

TEST(WayOn, DoesNotOverwrite) {
  EXPECT_EQ(way_on({"--overwrite"}, true), "parrun --resume jobs.bin");
  EXPECT_EQ(way_on({"--overwrite=true"}, true), "parrun --resume jobs.bin");
}

}  // namespace
}  // namespace parrun
