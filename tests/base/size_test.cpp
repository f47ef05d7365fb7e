#include "base/size.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "parrun/errors.hpp"

namespace {

using namespace parrun;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::ThrowsMessage;

constexpr std::uint64_t K = 1024;
constexpr std::uint64_t M = 1024 * K;
constexpr std::uint64_t G = 1024 * M;
constexpr std::uint64_t T = 1024 * G;
constexpr std::uint64_t P = 1024 * T;
constexpr std::uint64_t kLargest = std::uint64_t{1} << 62;

struct Sized {
  const char* text;
  std::uint64_t bytes;
};

class GoodSize : public ::testing::TestWithParam<Sized> {};

TEST_P(GoodSize, IsParsed) { EXPECT_EQ(parse_size(GetParam().text), GetParam().bytes); }

INSTANTIATE_TEST_SUITE_P(
    Table, GoodSize,
    ::testing::Values(Sized{"1", 1}, Sized{"4096", 4096}, Sized{"4096B", 4096}, Sized{"17b", 17},
                      Sized{"007", 7}, Sized{"512K", 512 * K}, Sized{"512M", 512 * M},
                      Sized{"512MB", 512 * M}, Sized{"512MiB", 512 * M}, Sized{"512m", 512 * M},
                      Sized{"512mb", 512 * M}, Sized{"512mib", 512 * M}, Sized{"512MIB", 512 * M},
                      Sized{"3G", 3 * G}, Sized{"2T", 2 * T}, Sized{"1P", P}, Sized{"1.5G", G + G / 2},
                      Sized{"1.5GiB", G + G / 2}, Sized{".5K", 512}, Sized{"3.K", 3 * K}, Sized{"3.0", 3},
                      Sized{"0.5k", 512}, Sized{"0.001K", 1}, Sized{"0.1K", 102}, Sized{"1.25T", T + T / 4},
                      Sized{"4611686018427387904", kLargest}, Sized{"4611686018427387903", kLargest - 1},
                      Sized{"4096P", kLargest}, Sized{"4503599627370495K", kLargest - K}),
    [](const auto& each) { return "Row" + std::to_string(each.index); });

class BadSize : public ::testing::TestWithParam<const char*> {};

TEST_P(BadSize, IsRefusedInOneLineThatQuotesItAndSaysWhatToWrite) {
  EXPECT_THAT([] { parse_size(GetParam()); },
              ThrowsMessage<InputError>(AllOf(HasSubstr("'" + std::string(GetParam()) + "'"),
                                              HasSubstr("1.5G"), Not(HasSubstr("\n")))));
}

INSTANTIATE_TEST_SUITE_P(Table, BadSize,
                         ::testing::Values("", "0", "0K", "0.0G", "0.0001K", "-1", "-1G", "--1", "+1", "nan",
                                           "NaN", "inf", "-inf", "infinity", "1e3", "1E3", "1e400", "0x10",
                                           "K", "MB", "B", ".", ".K", "..", "1..2K", "1.2.3K", "1,5G", "abc",
                                           "3 K", " 3", "3 ", "3X", "3E", "3Z", "3KK", "3KBB", "3BK", "3BB",
                                           "3iB", "3i", "3Ki", "3KiBs", "3GK", "1G5M", "3%", "1.5", "1.5B",
                                           "0.5", "4611686018427387905", "4096.1P", "4097P",
                                           "9223372036854775807", "18446744073709551615",
                                           "18446744073709551616", "18014398509481984K", "18014398509481985K",
                                           "16384P"),
                         [](const auto& each) { return "Row" + std::to_string(each.index); });

TEST(Size, OfAnyLengthIsRefusedWithoutOverflow) {
  EXPECT_THROW(parse_size(std::string(400, '9')), InputError);
  EXPECT_THROW(parse_size(std::string(400, '9') + "K"), InputError);
  EXPECT_THROW(parse_size("0." + std::string(400, '0') + "1K"), InputError);
  EXPECT_THROW(parse_size(std::string("1\0K", 3)), InputError);
  EXPECT_EQ(parse_size(std::string(400, '0') + "1"), 1U);
  EXPECT_EQ(parse_size("1." + std::string(400, '0')), 1U);
  EXPECT_EQ(parse_size("1." + std::string(400, '9') + "K"), 2 * K);
}

TEST(Size, TheReasonIsNamed) {
  const auto reason = [](const char* text) {
    try {
      parse_size(text);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(reason(""), HasSubstr("empty"));
  EXPECT_THAT(reason("-3"), HasSubstr("negative"));
  EXPECT_THAT(reason("0"), HasSubstr("less than a byte"));
  EXPECT_THAT(reason("0.0001K"), HasSubstr("less than a byte"));
  EXPECT_THAT(reason("1.5"), HasSubstr("is a unit missing?"));
  EXPECT_THAT(reason("nan"), HasSubstr("a number is missing or malformed"));
  EXPECT_THAT(reason("3X"), HasSubstr("units are K, M, G, T and P"));
  EXPECT_THAT(reason("99999999999999999999"), HasSubstr("above 2^62"));
  EXPECT_THAT(reason("8192P"), HasSubstr("above 2^62"));
}

TEST(Size, IsShownInTheUnitThatPeopleRead) {
  EXPECT_EQ(format_size(0), "0 bytes");
  EXPECT_EQ(format_size(1), "1 byte");
  EXPECT_EQ(format_size(17), "17 bytes");
  EXPECT_EQ(format_size(4096), "4.0 KB");
  EXPECT_EQ(format_size(512 * M), "512 MB");
  EXPECT_EQ(format_size(G + G / 2), "1.5 GB");
  EXPECT_EQ(format_size(64 * G), "64 GB");
  EXPECT_EQ(format_size(2 * T), "2.0 TB");
  EXPECT_EQ(format_size(20 * P), "20 PB");
  EXPECT_EQ(format_size(std::numeric_limits<std::uint64_t>::max()), "16 EB");
}

TEST(Size, IsRoundedUpIntoTheNextUnitNotWithinItsOwn) {
  EXPECT_EQ(format_size(1023), "1023 bytes");
  EXPECT_EQ(format_size(1024), "1.0 KB");
  EXPECT_EQ(format_size(1023 * K), "1023 KB");
  EXPECT_EQ(format_size(M - 1), "1.0 MB");
  EXPECT_EQ(format_size(G - 1), "1.0 GB");
  EXPECT_EQ(format_size(10 * K - 1), "10 KB");
}

}  // namespace
