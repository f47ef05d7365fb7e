// The programs of jobs/, as the README shows them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/run_parrun.hpp"

namespace parrun::test {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string output_of(const std::string& example, int ranks, const std::vector<std::string>& args = {}) {
  RunOptions options;
  options.program = std::string(PARRUN_JOBS_DIR "/example_") + example;
  const JobResult result = run_parrun(ranks, args, options);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return result.out;
}

double number_behind(const std::string& text, const std::string& words) {
  const std::size_t at = text.find(words);
  EXPECT_NE(at, std::string::npos) << text;
  return at == std::string::npos ? 0 : std::stod(text.substr(at + words.size()));
}

TEST(Examples, TheLimitHoldsInAllThreeModes) {
  const std::string out = output_of("three_modes", 3);
  for (const char* mode : {"map: 2", "ordered: 2", "unordered: 2"})
    EXPECT_THAT(out, HasSubstr(std::string(mode) + " tasks were ended after 3."));
  EXPECT_THAT(out, AllOf(HasSubstr("result 10\nresult 20\nordered"), EndsWith("30\n30\n")));
}

TEST(Examples, ASweepGivesItsResultsAsTheyCome) {
  const std::string out = output_of("sweep", 3);
  EXPECT_THAT(out, AllOf(HasSubstr("task 0: energy"), HasSubstr("task 19: energy")));
  EXPECT_LT(number_behind(out, "lowest energy "), 0.2);
}

TEST(Examples, ASweepWithAnEndlessTaskIsCutShort) {
  EXPECT_THAT(output_of("sweep", 3, {"endless"}),
              AllOf(HasSubstr("a limit: task 20 reached its limit of 3.0 s"), HasSubstr("lowest energy ")));
}

TEST(Examples, AMonteCarloStopsWhenItsErrorIsSmallEnough) {
  const std::string out = output_of("monte_carlo", 3, {"1e-3"});
  EXPECT_THAT(out, StartsWith("pi = 3.1"));
  EXPECT_LE(number_behind(out, "+- "), 1e-3);
  EXPECT_GE(number_behind(out, "+- "), 5e-4) << "it went on for long";
}

// The code's own part of the total depends on the ranks, and the pool's does not.
TEST(Examples, ACodeLendsItsRanksBetweenItsOwnSteps) {
  const auto pools_part = [](int ranks) {
    const double own = 3.0 * ranks * (ranks - 1) / 2 + 3.0 * ranks;
    return number_behind(output_of("borrowed_ranks", ranks), "total ") - own;
  };
  const double of_two = pools_part(2);
  EXPECT_NEAR(pools_part(4), of_two, 1e-3);
  EXPECT_GT(of_two, 1);
}

TEST(Examples, ASearchGoesWhereItsResultsPoint) {
  const std::string out = output_of("search", 3);
  EXPECT_NEAR(number_behind(out, "lowest "), -1.9, 0.1);
  EXPECT_GT(number_behind(out, ", "), 10);
}

// Source: T. Oliveira e Silva, https://oeis.org/A025018 and A025019.
TEST(Examples, TasksLookUpWhatIsSharedAndFindWhatIsKnown) {
  EXPECT_EQ(output_of("shared_data", 4), "hardest: 10759922 = 829 + 10759093\n");
  EXPECT_EQ(output_of("shared_data", 0), "hardest: 10759922 = 829 + 10759093\n");
}

}  // namespace
}  // namespace parrun::test
