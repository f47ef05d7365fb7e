// Ten thousand tasks of which one in ten does something bad, at random by a seed: each harms only itself.

#include <gtest/gtest.h>

#include <string>

#include "support/chaos_batch.hpp"
#include "support/outcomes.hpp"
#include "support/temp_dir.hpp"

namespace parrun::test {
namespace {

class Chaos : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, Chaos, ::testing::Values(4, 8), ::testing::PrintToStringParamName());

TEST_P(Chaos, OfTenThousandTasksABadOneInTenHarmsOnlyItself) {
  SCOPED_TRACE("PARRUN_CHAOS_SEED=" + std::to_string(ChaosBatch::seed()));
  const TempDir dir;
  const int slow = GetParam() < 8 ? 20 : 70;  // up to a second each, of one worker
  const ChaosBatch chaos(ChaosBatch::seed(), {.tasks = 10000, .bad = 1000, .slow = slow}, dir);
  chaos.expect_as_foretold(run_jsonl(chaos.batch(), GetParam(), ChaosBatch::options()));
}

}  // namespace
}  // namespace parrun::test
