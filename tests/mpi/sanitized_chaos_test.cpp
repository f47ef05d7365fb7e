// The chaos of chaos_test.cpp in a size for the sanitizers.

#include <gtest/gtest.h>

#include <string>

#include "support/chaos_batch.hpp"
#include "support/outcomes.hpp"
#include "support/temp_dir.hpp"

namespace parrun::test {
namespace {

TEST(EveryOutcome, OfFourHundredTasksABadOneInFourHarmsOnlyItself) {
  SCOPED_TRACE("PARRUN_CHAOS_SEED=" + std::to_string(ChaosBatch::seed()));
  const TempDir dir;
  const ChaosBatch chaos(ChaosBatch::seed(), {.tasks = 400, .bad = 100, .slow = 19}, dir);
  chaos.expect_as_foretold(run_jsonl(chaos.batch(), 4, ChaosBatch::options()));
}

}  // namespace
}  // namespace parrun::test
