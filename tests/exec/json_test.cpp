#include "parrun/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <optional>
#include <set>

#include "exec/registry.hpp"
#include "support/batches.hpp"

namespace json_test {

double two_of(int count, double factor) { return count * factor; }
void none() {}
std::string list(const std::vector<int>& values) { return std::to_string(values.size()); }
char letter(char value) { return value; }

struct Point {
  double x = 0, y = 0;
  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& x& y;
  }
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Point, x, y)
double norm(const std::vector<Point>& points) { return points.empty() ? 0 : points.front().x; }

// Boost.Serialization takes it, JSON does not.
struct Opaque {
  template <typename Archive>
  void serialize(Archive& /*archive*/, unsigned /*version*/) {}
};
void opaque(const Opaque& /*value*/) {}

PARRUN_TASK(two_of);
PARRUN_TASK(none);
PARRUN_TASK(list);
PARRUN_TASK(letter);
PARRUN_TASK(norm);
PARRUN_TASK(opaque);

}  // namespace json_test

namespace parrun {
namespace {

using detail::Json;
using detail::JsonForm;
using test::input_error;
using ::testing::HasSubstr;

Bytes packed(const char* name, const char* json) {
  const Function* function = find_function(name);
  return function->arguments_from_json(function->name, json);
}

std::string refusal(const char* name, const char* json) {
  return input_error([&] { packed(name, json); });
}

template <typename T>
std::string refused_as(const char* json) {
  return input_error([&] { JsonForm<T>::read(Json::parse(json)); });
}

template <typename T>
void expect_round_trip(const T& value) {
  EXPECT_EQ(JsonForm<T>::read(Json::parse(JsonForm<T>::write(value).dump())), value);
}

TEST(Json, ArgumentsBecomeTheArchiveThatACallHolds) {
  EXPECT_EQ(packed("two_of", "[3, 2]"), detail::to_bytes(3, 2.0));
  EXPECT_EQ(packed("none", "[]"), detail::to_bytes());
  EXPECT_EQ(find_function("two_of")->arguments_to_json(packed("two_of", "[3, 2]")), "[3,2.0]");
}

TEST(Json, TheWrongNumberOfArgumentsIsTold) {
  EXPECT_EQ(refusal("two_of", "[1, 2, 3]"), "two_of takes 2 arguments, 3 given");
  EXPECT_EQ(refusal("two_of", "[]"), "two_of takes 2 arguments, 0 given");
  EXPECT_EQ(refusal("list", "[1, 2]"), "list takes 1 argument, 2 given");
  EXPECT_EQ(refusal("none", "[1]"), "none takes 0 arguments, 1 given");
  EXPECT_EQ(refusal("two_of", "{}"), "the arguments of two_of are no JSON array");
}

TEST(Json, AWrongArgumentIsToldWithItsPlace) {
  EXPECT_EQ(refusal("two_of", R"([1, "x"])"), "two_of, argument 2: \"x\" is not a number");
  EXPECT_EQ(refusal("two_of", "[1.5, 2]"),
            "two_of, argument 1: 1.5 is not an integer from -2147483648 to 2147483647");
  EXPECT_EQ(refusal("list", "[[1, 2, true]]"),
            "list, argument 1: element 3: true is not an integer from -2147483648 to 2147483647");
  EXPECT_EQ(refusal("list", "[7]"), "list, argument 1: 7 is not an array");
}

TEST(Json, AClassTellsInItsOwnWords) {
  EXPECT_EQ(refusal("norm", R"([[{"x": 1, "y": 2}, {"x": "a", "y": 2}]])"),
            "norm, argument 1: element 2: type must be number, but is string");
  EXPECT_THAT(refusal("norm", R"([[{"x": 1}]])"), HasSubstr("key 'y' not found"));
}

TEST(Json, IntegersThatDoNotFitAreRefused) {
  EXPECT_NE(refused_as<std::int8_t>("128"), "");
  EXPECT_NE(refused_as<std::int8_t>("-129"), "");
  EXPECT_NE(refused_as<std::uint8_t>("-1"), "");
  EXPECT_NE(refused_as<std::int64_t>("9223372036854775808"), "");
  EXPECT_NE(refused_as<std::uint64_t>("18446744073709551616"), "");
  EXPECT_NE(refused_as<int>("1.0"), "");
  expect_round_trip<std::int8_t>(-128);
  expect_round_trip<std::uint64_t>(std::numeric_limits<std::uint64_t>::max());
  expect_round_trip<std::int64_t>(std::numeric_limits<std::int64_t>::min());
  expect_round_trip<char>('a');
}

TEST(Json, NumbersThatDoNotFitAreRefused) {
  EXPECT_THAT(refused_as<float>("1e300"), HasSubstr("range"));
  EXPECT_NE(refused_as<double>("null"), "");
  expect_round_trip<double>(0.1);
  expect_round_trip<double>(std::numeric_limits<double>::denorm_min());
  expect_round_trip<float>(std::numeric_limits<float>::max());
}

TEST(Json, ContainersRoundTripAndAreStrictDownToTheElements) {
  expect_round_trip(std::vector<std::optional<int>>{1, std::nullopt});
  expect_round_trip(std::vector<bool>{true, false});
  expect_round_trip(std::set<int>{3, 1});
  expect_round_trip(std::array<int, 2>{1, 2});
  expect_round_trip(std::map<std::string, double>{{"a", 1.5}});
  expect_round_trip(std::unordered_map<std::string, int>{{"a", 1}});
  expect_round_trip(std::tuple<int, std::string>{1, "x"});
  expect_round_trip(std::pair<bool, std::vector<int>>{true, {}});
  EXPECT_EQ((refused_as<std::array<int, 2>>("[1, 2, 3]")), "[1,2,3] is not an array of 2");
  EXPECT_THAT((refused_as<std::set<int>>("[1.5]")), HasSubstr("element 1: 1.5 is not an integer"));
  EXPECT_THAT((refused_as<std::map<std::string, int>>(R"({"a": "b"})")),
              HasSubstr("'a': \"b\" is not an integer"));
  EXPECT_THAT((refused_as<std::pair<int, int>>(R"([1, "b"])")), HasSubstr("element 2: \"b\" is not"));
}

TEST(Json, ALongValueIsCutInTheMessage) {
  EXPECT_EQ(refused_as<int>(("\"" + std::string(200, 'x') + "\"").c_str()).size(),
            refused_as<int>("\"x\"").size() + 57);
}

TEST(Json, WhatHasNoJsonFormHasNoConversion) {
  EXPECT_EQ(find_function("opaque")->arguments_from_json, nullptr);
  EXPECT_EQ(find_function("opaque")->arguments_to_json, nullptr);
}

}  // namespace
}  // namespace parrun
