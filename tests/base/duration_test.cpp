#include "base/duration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "parrun/errors.hpp"

namespace {

using namespace parrun;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

struct Good {
  const char* text;
  Duration duration;
};

class GoodDuration : public ::testing::TestWithParam<Good> {};

TEST_P(GoodDuration, IsParsed) { EXPECT_EQ(parse_duration(GetParam().text), GetParam().duration); }

INSTANTIATE_TEST_SUITE_P(
    Table, GoodDuration,
    ::testing::Values(Good{"3", 3s}, Good{"0.5", 500ms}, Good{".5", 500ms}, Good{"3.", 3s}, Good{"007", 7s},
                      Good{"500ms", 500ms}, Good{"1.5ms", 1500us}, Good{"3s", 3s}, Good{"2m", 2min},
                      Good{"1h", 1h}, Good{"2d", 48h}, Good{"1h30m", 90min},
                      Good{"1d2h3m4s5ms", 26h + 3min + 4s + 5ms}, Good{"1h5s", 1h + 5s}, Good{"1.5h", 90min},
                      Good{"90m", 90min}, Good{"1:30", 90s}, Good{"1:30:00", 90min}, Good{"0:00:01", 1s},
                      Good{"00:05:00.5", 5min + 500ms}, Good{"100:00:00", 100h}, Good{"0.000000001", 1ns},
                      Good{"0h1m", 1min}, Good{"876000h", 876000h}),
    [](const auto& each) { return "Row" + std::to_string(each.index); });

class BadDuration : public ::testing::TestWithParam<const char*> {};

TEST_P(BadDuration, IsRefusedInOneLineThatQuotesItAndSaysWhatToWrite) {
  EXPECT_THAT([] { parse_duration(GetParam()); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("'" + std::string(GetParam()) + "'"),
                                              HasSubstr("1h30m"), Not(HasSubstr("\n")))));
}

INSTANTIATE_TEST_SUITE_P(Table, BadDuration,
                         ::testing::Values("", "0", "0s", "0:00:00", "0.0000000001", "-1", "-1s", "--1", "+1",
                                           "nan", "NaN", "inf", "-inf", "infinity", "1e3", "1e400", "0x10",
                                           "s", "ms", ".", "..", "1..2", "1.2.3", "1,5", "abc", "3x", "3 s",
                                           " 3", "3 ", "3S", "1h30", "30m1h", "1s1s", "1ms1s", "1hh", ":",
                                           "1:", ":1", "1::2", "1:2:3:4", "1:30m", "1:-1", "99999999999999",
                                           "36501d", "1h99999999999999s", "99999999999999:0:0"),
                         [](const auto& each) { return "Row" + std::to_string(each.index); });

TEST(Duration, OfAnyLengthIsRefusedWithoutOverflow) {
  EXPECT_THROW(parse_duration(std::string(400, '9')), InputError);
  EXPECT_THROW(parse_duration(std::string(400, '9') + "h"), InputError);
  EXPECT_THROW(parse_duration(std::string("1\0s", 3)), InputError);
  EXPECT_EQ(parse_duration(std::string(400, '0') + "1"), 1s);
}

TEST(Duration, TheReasonIsNamed) {
  const auto reason = [](const char* text) {
    try {
      parse_duration(text);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(reason(""), HasSubstr("empty"));
  EXPECT_THAT(reason("-3"), HasSubstr("negative"));
  EXPECT_THAT(reason("0"), HasSubstr("zero"));
  EXPECT_THAT(reason("nan"), HasSubstr("a number is missing or malformed"));
  EXPECT_THAT(reason("99999999999999"), HasSubstr("longer than 100 years"));
  EXPECT_THAT(reason("3x"), HasSubstr("units are"));
  EXPECT_THAT(reason("30m1h"), HasSubstr("from the largest to the smallest"));
  EXPECT_THAT(reason("1:2:3:4"), HasSubstr("hours:minutes:seconds"));
}

TEST(Duration, IsShownInWordsForPeople) {
  EXPECT_EQ(format_rate(0), "0");
  EXPECT_EQ(format_rate(0.0871), "0.087");
  EXPECT_EQ(format_rate(9.94), "9.9");
  EXPECT_EQ(format_rate(9.96), "10");
  EXPECT_EQ(format_rate(1e6), "1000000");
  EXPECT_EQ(format_duration(3200ms), "3.2 s");
  EXPECT_EQ(format_duration(100ms), "0.1 s");
  EXPECT_EQ(format_duration(Duration::zero()), "0.0 s");
  EXPECT_EQ(format_duration(12s), "12 s");
  EXPECT_EQ(format_duration(725s), "12 min 5 s");
  EXPECT_EQ(format_duration(90min), "1 h 30 min");
  EXPECT_EQ(format_duration(100h), "100 h 0 min");
}

TEST(Duration, IsRoundedUpIntoTheNextUnitNotWithinItsOwn) {
  EXPECT_EQ(format_duration(9949ms), "9.9 s");
  EXPECT_EQ(format_duration(9960ms), "10 s");
  EXPECT_EQ(format_duration(59400ms), "59 s");
  EXPECT_EQ(format_duration(59960ms), "1 min 0 s");
  EXPECT_EQ(format_duration(3599900ms), "1 h 0 min");
}

TEST(Duration, AShortOneIsNotShownAsNothing) {
  EXPECT_EQ(format_duration(20ms), "0.02 s");
  EXPECT_EQ(format_duration(400us), "0.0004 s");
}

}  // namespace
