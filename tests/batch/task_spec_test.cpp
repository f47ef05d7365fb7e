#include "batch/task_spec.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <utility>
#include <vector>

namespace {

using namespace parrun;
using namespace std::chrono_literals;

TEST(TaskSpec, ACallOfWhichThereIsNoMoreToSayIsEncodedLikeAnyOther) {
  TaskHead head;
  TaskSpec spec;
  spec.work = Call{"simulate", "arguments"};
  const auto encoded = [&head] {
    ByteWriter out;
    append_call(head, "simulate", "arguments", out);
    return out.take();
  };
  EXPECT_EQ(encoded(), encode(spec));
  head.label = spec.label = "run 7";
  head.timeout = spec.timeout = 3s;
  head.retries = spec.retries = 2;
  head.cost = spec.cost = 0.5;
  head.resources = spec.resources = {.memory_bytes = 1000, .cpu = 1s, .output_bytes = 50};
  EXPECT_EQ(encoded(), encode(spec));
  EXPECT_EQ(decode_task(encode(spec)), spec);
}

TEST(TaskSpec, WhatIsNotSaidOfATaskTakesNoBytes) {
  const auto bytes_of = [](const std::string& line) {
    TaskSpec spec;
    spec.work = ShellCommand{line};
    return encode(spec).size();
  };
  EXPECT_EQ(bytes_of(""), 1 + kLengthRoom);
  EXPECT_EQ(bytes_of("true"), bytes_of("") + 4);
}

TEST(TaskSpec, EachPartComesBackByItself) {
  std::vector<TaskSpec> specs(9);
  for (TaskSpec& spec : specs) spec.work = ArgvCommand{{"sort"}};
  specs[0].label = "label";
  specs[1].timeout = 3s;
  specs[2].retries = 0;
  specs[3].cost = 0;
  specs[4].resources.memory_bytes = 1;
  specs[5].resources.output_bytes = 1;
  specs[6].env = {{"A", ""}};
  specs[7].cwd = "/";
  specs[8].stdin_text = "text";
  for (const TaskSpec& spec : specs) EXPECT_EQ(decode_task(encode(spec)), spec);
}

TEST(TaskSpec, IsCheckedWithoutBeingCopiedAsItIsWhenItIsDecoded) {
  TaskSpec call;
  call.work = Call{"simulate", "arguments"};
  call.label = "label";
  call.cost = 1.5;
  call.env = {{"A", "1"}, {"B", ""}};
  call.cwd = "/";
  TaskSpec argv;
  argv.work = ArgvCommand{{"sort", "-n"}};
  argv.cwd = "/tmp";
  argv.stdin_text = "2\n1\n";
  TaskSpec shell;
  shell.work = ShellCommand{"true"};
  const Bytes encoded = encode(call);
  const CallView seen = view_call(encoded).value();
  EXPECT_EQ((Call{Bytes(seen.function), Bytes(seen.arguments)}), std::get<Call>(call.work));
  EXPECT_EQ(seen.cwd, call.cwd);
  EXPECT_EQ(seen.env, (std::vector<std::pair<BytesView, BytesView>>(call.env.begin(), call.env.end())));
  EXPECT_FALSE(view_call(encode(argv)));
  EXPECT_FALSE(view_call(encode(shell)));
  for (const TaskSpec& spec : {call, argv, shell}) {
    const Bytes whole = encode(spec);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const BytesView cut = BytesView(whole).substr(0, size);
      EXPECT_THROW(view_call(cut), FormatError) << size;
      EXPECT_THROW(decode_task(cut), FormatError) << size;
    }
    EXPECT_THROW(view_call(whole + 'x'), FormatError);
    Bytes unknown = whole;
    unknown[0] = 9;
    EXPECT_THROW(view_call(unknown), FormatError);
  }
  argv.work = ArgvCommand{};
  EXPECT_THROW(view_call(encode(argv)), FormatError);
}

}  // namespace
