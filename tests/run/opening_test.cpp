#include "run/opening.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "support/batches.hpp"
#include "support/temp_dir.hpp"

namespace parrun {
namespace {

bool need_processes(const std::vector<TaskSpec>& tasks, bool threads) {
  const test::TempDir dir;
  const std::string path = dir.file("jobs.bin");
  test::write_batch(path, tasks);
  return needs_processes(BatchFile(path), threads);
}

TEST(Opening, ProcessesAreNeededForCommandsAlwaysAndForFunctionsWithoutThreads) {
  for (const bool threads : {false, true}) {
    EXPECT_FALSE(need_processes({}, threads));
    EXPECT_TRUE(need_processes({test::command("true")}, threads));
    EXPECT_TRUE(need_processes({test::call("f"), test::command("true")}, threads));
    EXPECT_EQ(need_processes({test::call("f")}, threads), !threads);
  }
}

}  // namespace
}  // namespace parrun
