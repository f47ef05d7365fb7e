#include "core/halt.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "parrun/errors.hpp"

namespace {

using namespace parrun;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;
using When = HaltRule::When;
using Why = HaltRule::Why;

constexpr std::uint64_t kPercent = 10'000;  // [ppm]
constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

// The words.

struct Good {
  const char* text;
  HaltRule rule;
};

class GoodHalt : public ::testing::TestWithParam<Good> {};

TEST_P(GoodHalt, IsParsed) { EXPECT_EQ(parse_halt(GetParam().text), GetParam().rule); }

INSTANTIATE_TEST_SUITE_P(
    Table, GoodHalt,
    ::testing::Values(Good{"now,fail=1", {When::now, Why::fail, 1}},
                      Good{"soon,fail=3", {When::soon, Why::fail, 3}},
                      Good{"now,success=1", {When::now, Why::success, 1}},
                      Good{"soon,success=3", {When::soon, Why::success, 3}},
                      Good{"now,done=007", {When::now, Why::done, 7}},
                      Good{"soon,done=100000000", {When::soon, Why::done, 100'000'000}},
                      Good{"now,fail=18446744073709551615", {When::now, Why::fail, kMost}},
                      Good{"soon,fail=10%", {When::soon, Why::fail, 0, 10 * kPercent}},
                      Good{"now,success=100%", {When::now, Why::success, 0, 100 * kPercent}},
                      Good{"now,done=12.5%", {When::now, Why::done, 0, 125'000}},
                      Good{"now,fail=0.0001%", {When::now, Why::fail, 0, 1}},
                      Good{"now,fail=.5%", {When::now, Why::fail, 0, 5'000}},
                      Good{"now,fail=5.%", {When::now, Why::fail, 0, 5 * kPercent}},
                      Good{"now,fail=010.5000%", {When::now, Why::fail, 0, 105'000}}),
    [](const auto& each) { return "Row" + std::to_string(each.index); });

TEST(Halt, TheShortFormsAreThoseOfGnuParallel) {
  EXPECT_EQ(parse_halt("1"), parse_halt("soon,fail=1"));
  EXPECT_EQ(parse_halt("2"), parse_halt("now,fail=1"));
  EXPECT_EQ(parse_halt("-1"), parse_halt("soon,success=1"));
  EXPECT_EQ(parse_halt("-2"), parse_halt("now,success=1"));
  EXPECT_EQ(parse_halt("1%"), parse_halt("soon,fail=1%"));
  EXPECT_EQ(parse_halt("10%"), parse_halt("soon,fail=10%"));
  EXPECT_EQ(parse_halt("100%"), parse_halt("soon,fail=100%"));
}

TEST(Halt, NeverIsNoRule) {
  EXPECT_EQ(parse_halt("never"), std::nullopt);
  EXPECT_EQ(parse_halt("0"), std::nullopt);
}

class BadHalt : public ::testing::TestWithParam<const char*> {};

TEST_P(BadHalt, IsRefusedInOneLineThatQuotesItAndSaysWhatToWrite) {
  EXPECT_THAT([] { parse_halt(GetParam()); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("'" + std::string(GetParam()) + "'"),
                                              HasSubstr("soon,fail=10%"), Not(HasSubstr("\n")))));
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadHalt,
    ::testing::Values(
        "", "3", "-3", "00", "-0", "+1", "01", "1.0", "nope", "Never", "NOW,fail=1", "now,Fail=1",
        "never,fail=1", "now", "soon", "now,", "now,fail", "now,fail=", "now,=1", "now,1", ",fail=1",
        "now fail=1", "now, fail=1", " now,fail=1", "now,fail=1 ", "now,fail= 1", "now=fail,1", "now,fail,1",
        "now,fail==1", "now,fail=1,done=2", "now,fail=1=2", "later,fail=1", "now,failed=1", "now,all=1",
        "fail=1", "now,fail=0", "now,fail=00", "now,fail=-1", "now,fail=+1", "now,fail=1.5", "now,fail=1e3",
        "now,fail=0x1", "now,fail=x", "now,fail=nan", "now,fail=inf", "now,fail=18446744073709551616", "%",
        "0%", "-1%", "101%", "1%%", "x%", "now,fail=%", "now,fail=.%", "now,fail=0%", "now,fail=0.0000%",
        "now,fail=0.00001%", "now,fail=10.00000%", "now,fail=100.0001%", "now,fail=150%", "now,fail=-5%",
        "now,fail=+5%", "now,fail=1e1%", "now,fail=1.2.3%", "now,fail=1,5%", "now,fail=nan%", "now,fail=10%x",
        "now,fail=10 %", "now,fail=99999999999999999999%", "%10", "now,fail=%10"),
    [](const auto& each) { return "Row" + std::to_string(each.index); });

TEST(Halt, ATextOfAnyLengthIsRefused) {
  EXPECT_THROW(parse_halt("now,fail=" + std::string(400, '9')), InputError);
  EXPECT_THROW(parse_halt("now,fail=" + std::string(400, '9') + "%"), InputError);
  EXPECT_THROW(parse_halt(std::string("never\0", 6)), InputError);
}

TEST(Halt, TheReasonIsNamed) {
  const auto reason = [](const char* text) {
    try {
      parse_halt(text);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(reason(""), HasSubstr("empty"));
  EXPECT_THAT(reason("3"), HasSubstr("neither now nor soon"));
  EXPECT_THAT(reason("now"), HasSubstr("names no reason"));
  EXPECT_THAT(reason("now,failed=1"), HasSubstr("reasons are fail, success and done"));
  EXPECT_THAT(reason("now,fail"), HasSubstr("a number is missing or malformed"));
  EXPECT_THAT(reason("now,fail=.%"), HasSubstr("a number is missing or malformed"));
  EXPECT_THAT(reason("now,fail=0"), HasSubstr("the number is zero"));
  EXPECT_THAT(reason("0%"), HasSubstr("the number is zero"));
  EXPECT_THAT(reason("150%"), HasSubstr("at most 100%"));
  EXPECT_THAT(reason("0.00001%"), HasSubstr("at most 4 decimals"));
  EXPECT_THAT(reason("now,fail=18446744073709551616"), HasSubstr("too large"));
}

TEST(Halt, IsDescribedAsItIsWritten) {
  for (const char* text : {"now,fail=1", "soon,fail=10%", "now,success=3", "soon,done=12.5%", "now,done=100%",
                           "soon,fail=0.0001%", "soon,fail=99.9999%", "now,fail=18446744073709551615"}) {
    EXPECT_EQ(describe(parse_halt(text).value()), text);
  }
}

TEST(Halt, EveryShareCanBeReadBack) {
  for (std::uint64_t share = 1; share <= 100 * kPercent; share += share < 20'000 ? 1 : 97) {
    const HaltRule rule{When::now, Why::done, 0, share};
    ASSERT_EQ(parse_halt(describe(rule)), rule) << describe(rule);
  }
}

// Counts.

// The fewest ends of the rule's own kind that reach it; those of the other kind are `others`.
std::uint64_t fewest(const std::string& text, std::optional<std::uint64_t> total, std::uint64_t upto,
                     std::uint64_t others = 0) {
  const HaltRule rule = parse_halt(text).value();
  for (std::uint64_t count = 0; count <= upto; ++count) {
    const HaltCounts counts = rule.why == Why::success
                                  ? HaltCounts{.succeeded = count, .failed = others, .total = total}
                                  : HaltCounts{.succeeded = others, .failed = count, .total = total};
    if (reached(rule, counts)) return count;
  }
  return kMost;
}

TEST(Halt, FailCountsFailuresOnly) {
  EXPECT_EQ(fewest("now,fail=1", 10, 10, 5), 1U);
  EXPECT_EQ(fewest("soon,fail=3", 10, 10, 5), 3U);
}

TEST(Halt, SuccessCountsSuccessesOnly) {
  EXPECT_EQ(fewest("now,success=1", 10, 10, 5), 1U);
  EXPECT_EQ(fewest("soon,success=3", 10, 10, 5), 3U);
}

TEST(Halt, DoneCountsBoth) {
  EXPECT_EQ(fewest("now,done=8", 10, 10, 5), 3U);
  EXPECT_EQ(fewest("now,done=80%", 10, 10, 5), 3U);
  EXPECT_EQ(fewest("now,done=5", 10, 10, 5), 0U);
}

TEST(Halt, ACountNeedsNoTotal) {
  EXPECT_EQ(fewest("now,fail=2", std::nullopt, 10), 2U);
  EXPECT_EQ(fewest("now,success=2", std::nullopt, 10), 2U);
  EXPECT_EQ(fewest("now,done=2", std::nullopt, 10), 2U);
}

TEST(Halt, ACountAboveTheTotalIsNeverReached) { EXPECT_EQ(fewest("now,done=4", 3, 3), kMost); }

TEST(Halt, OnceReachedItStaysSo) {
  const HaltRule rule = parse_halt("now,fail=10%").value();
  for (std::uint64_t failed = 10; failed <= 100; ++failed) {
    EXPECT_TRUE(reached(rule, {.succeeded = 0, .failed = failed, .total = 100}));
  }
}

// Shares.

TEST(Halt, AShareIsOfAllTasksNotOfThoseThatEnded) { EXPECT_EQ(fewest("soon,fail=10%", 100, 100, 1), 10U); }

TEST(Halt, AShareWaitsForTheTotal) {
  const HaltRule rule = parse_halt("now,fail=1%").value();
  EXPECT_FALSE(reached(rule, {.succeeded = 0, .failed = 1000, .total = std::nullopt}));
  EXPECT_TRUE(reached(rule, {.succeeded = 0, .failed = 1000, .total = 100'000}));
}

TEST(Halt, AShareOfAFewTasksIsRoundedUp) {
  EXPECT_EQ(fewest("1%", 3, 3), 1U);
  EXPECT_EQ(fewest("33%", 3, 3), 1U);
  EXPECT_EQ(fewest("33.3333%", 3, 3), 1U);
  EXPECT_EQ(fewest("34%", 3, 3), 2U);
  EXPECT_EQ(fewest("66%", 3, 3), 2U);
  EXPECT_EQ(fewest("67%", 3, 3), 3U);
  EXPECT_EQ(fewest("100%", 3, 3), 3U);
}

TEST(Halt, AllOfOneTaskIsOneTask) {
  EXPECT_EQ(fewest("0.0001%", 1, 1), 1U);
  EXPECT_EQ(fewest("100%", 1, 1), 1U);
}

// As doubles, 100 * (7 / 100.) is above 7 and 3000 * 1.1 above 3300.
TEST(Halt, AShareThatIsAWholeNumberOfTasksIsExactlyThatNumber) {
  EXPECT_EQ(fewest("7%", 100, 100), 7U);
  EXPECT_EQ(fewest("1.1%", 3000, 100), 33U);
  for (std::uint64_t percent = 1; percent <= 100; ++percent) {
    EXPECT_EQ(fewest(std::to_string(percent) + "%", 100, 100), percent);
  }
}

void expect_threshold(const char* text, std::uint64_t total, std::uint64_t threshold) {
  const HaltRule rule = parse_halt(text).value();
  EXPECT_TRUE(reached(rule, {.succeeded = 0, .failed = threshold, .total = total}))
      << text << " of " << total;
  EXPECT_FALSE(reached(rule, {.succeeded = 0, .failed = threshold - 1, .total = total}))
      << text << " of " << total;
}

TEST(Halt, BigBatchesAreCountedExactly) {
  expect_threshold("10%", 100'000'000, 10'000'000);
  expect_threshold("7%", 100'000'000, 7'000'000);
  expect_threshold("10%", 100'000'001, 10'000'001);
  expect_threshold("100%", 100'000'000, 100'000'000);
  expect_threshold("0.0001%", 100'000'000, 100);
  expect_threshold("50%", kMost, kMost / 2 + 1);
  expect_threshold("100%", kMost, kMost);
}

TEST(Halt, ABatchWithoutTasksReachesNothing) {
  for (const char* text :
       {"now,fail=1", "now,success=1", "now,done=1", "now,fail=1%", "now,success=50%", "now,done=100%"}) {
    EXPECT_FALSE(reached(parse_halt(text).value(), {.succeeded = 0, .failed = 0, .total = 0})) << text;
  }
}

}  // namespace
