#include "batch/task_spec.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace {

using namespace parrun;
using namespace std::chrono_literals;

TEST(TaskSpec, ACallOfWhichThereIsNoMoreToSayIsEncodedLikeAnyOther) {
  TaskHead head;
  TaskSpec spec;
  spec.work = Call{"simulate", "arguments"};
  EXPECT_EQ(encode_call(head, "simulate", "arguments"), encode(spec));
  head.label = spec.label = "run 7";
  head.timeout = spec.timeout = 3s;
  head.retries = spec.retries = 2;
  head.cost = spec.cost = 0.5;
  head.resources = spec.resources = {.memory_bytes = 1000, .cpu = 1s, .output_bytes = 50};
  EXPECT_EQ(encode_call(head, "simulate", "arguments"), encode(spec));
  EXPECT_EQ(decode_task(encode(spec)), spec);
}

TEST(TaskSpec, IsCheckedWithoutBeingCopiedAsItIsWhenItIsDecoded) {
  TaskSpec call;
  call.work = Call{"simulate", "arguments"};
  call.label = "label";
  call.cost = 1.5;
  call.env = {{"A", "1"}, {"B", ""}};
  TaskSpec argv;
  argv.work = ArgvCommand{{"sort", "-n"}};
  argv.cwd = "/tmp";
  argv.stdin_text = "2\n1\n";
  TaskSpec shell;
  shell.work = ShellCommand{"true"};
  EXPECT_EQ(called_function(encode(call)), "simulate");
  EXPECT_FALSE(called_function(encode(argv)));
  EXPECT_FALSE(called_function(encode(shell)));
  for (const TaskSpec& spec : {call, argv, shell}) {
    const Bytes whole = encode(spec);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const BytesView cut = BytesView(whole).substr(0, size);
      EXPECT_THROW(called_function(cut), FormatError) << size;
      EXPECT_THROW(decode_task(cut), FormatError) << size;
    }
    EXPECT_THROW(called_function(whole + 'x'), FormatError);
    Bytes unknown = whole;
    unknown[0] = 9;
    EXPECT_THROW(called_function(unknown), FormatError);
  }
  argv.work = ArgvCommand{};
  EXPECT_THROW(called_function(encode(argv)), FormatError);
}

}  // namespace
