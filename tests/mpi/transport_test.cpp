// Messages between ranks, by programs/transport_program.cpp.

#include <gtest/gtest.h>

#include "support/run_parrun.hpp"
#include "support/temp_dir.hpp"

namespace parrun::test {
namespace {

// Open MPI takes in what has come only behind its look.
TEST(MpiTransport, HasWhatHasComeAtTheFirstLookBehindASleep) {
  const TempDir dir;
  RunOptions options;
  options.program = PARRUN_TEST_PROGRAMS_DIR "/transport_program";
  EXPECT_EQ(run_parrun(2, {"5", dir.file("marks")}, options).out, "1\n1\n1\n1\n1\n");
}

}  // namespace
}  // namespace parrun::test
