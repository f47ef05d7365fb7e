// Ten thousand tasks of which one in ten does something bad, at random by a seed: each harms only itself.

#include <gtest/gtest.h>

#include <string>

#include "support/chaos_batch.hpp"
#include "support/outcomes.hpp"
#include "support/temp_dir.hpp"

namespace parrun::test {
namespace {

TEST(Chaos, OfTenThousandTasksABadOneInTenHarmsOnlyItself) {
  SCOPED_TRACE("PARRUN_CHAOS_SEED=" + std::to_string(ChaosBatch::seed()));
  const TempDir dir;
  const ChaosBatch chaos(ChaosBatch::seed(), {.tasks = 10000, .bad = 1000, .slow = 70}, dir);
  chaos.expect_as_foretold(run_jsonl(chaos.batch(), 8, ChaosBatch::options()));
}

}  // namespace
}  // namespace parrun::test
