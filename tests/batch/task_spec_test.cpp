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

}  // namespace
