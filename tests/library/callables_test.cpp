// What can be a task function, and how it is called.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "library/round_trip.hpp"

namespace callables {

struct Idle {
  void operator()(int /*n*/) const {}
};
PARRUN_MEMBERS(Idle);

}  // namespace callables

namespace {

using parrun::test::run;
using parrun::test::run_json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

template <typename T>
T same(const T& value) {
  return value;
}

double area(double radius) { return 3 * radius * radius; }
double area(int side) { return side * side; }
struct Model {
  static std::string step(const std::string& before, int times = 1) noexcept {
    return before + std::to_string(times);
  }
};
std::size_t length(std::string&& text) { return text.size(); }
constexpr auto twice = [](int n) { return 2 * n; };
constexpr auto joined = [](const std::vector<std::string>& parts, char by) noexcept {
  std::string text;
  for (const std::string& part : parts) text += part + by;
  return text;
};
struct Scale {
  int by = 1;
  int operator()(int n) const { return by * n; }
};
PARRUN_MEMBERS(Scale, by);
// Its calls change it.
struct Counter {
  std::vector<int> seen;
  std::size_t operator()(int n) noexcept {
    seen.push_back(n);
    return seen.size();
  }
};
PARRUN_MEMBERS(Counter, seen);
template <typename T, int N>
T power(T base) {
  T product = 1;
  for (int i = 0; i < N; ++i) product *= base;
  return product;
}

PARRUN_TASK_NAMED("area of a circle", static_cast<double (*)(double)>(area));
PARRUN_TASK_NAMED("area of a square", static_cast<double (*)(int)>(area));
PARRUN_TASK(Model::step);
PARRUN_TASK(length);
PARRUN_TASK(twice);
PARRUN_TASK(joined);
PARRUN_TASK(Scale);
PARRUN_TASK(Scale{10});
PARRUN_TASK(Counter);
PARRUN_TASK(power<long, 3>);
PARRUN_TASK_NAMED("thrice", [](int n) { return 3 * n; });

TEST(Callables, AnOverloadIsCalledByItsType) {
  const auto circle = parrun::task<static_cast<double (*)(double)>(area)>(2);
  const auto square = parrun::task<static_cast<double (*)(int)>(area)>(2);
  EXPECT_EQ(circle.fields().function, "area of a circle");
  EXPECT_EQ(run(circle), 12);
  EXPECT_EQ(run(square), 4);
  EXPECT_EQ(run_json("area of a square", "[3]"), "9.0");
}

TEST(Callables, ATemplatesInstanceHasItsArgumentsInItsName) {
  EXPECT_EQ(run(parrun::task<power<long, 3>>(2)), 8);
  EXPECT_EQ(run_json("power<long, 3>", "[3]"), "27");
}

TEST(Callables, AStaticMemberFunction) {
  EXPECT_EQ(run(parrun::task<Model::step>("step", 2)), "step2");
  EXPECT_EQ(run(parrun::task<&Model::step>("step", 2)), "step2");
}

TEST(Callables, ALambdaWithoutCaptures) {
  EXPECT_EQ(run(parrun::task<twice>(21)), 42);
  EXPECT_EQ(run(parrun::task<joined>(std::vector<std::string>{"a", "b"}, ',')), "a,b,");
  EXPECT_EQ(run_json("thrice", "[7]"), "21");
}

TEST(Callables, AFunctionObjectAsAValueHasItsStateInTheProgram) {
  EXPECT_EQ(run(parrun::task<Scale{10}>(3)), 30);
  EXPECT_EQ(run_json("Scale{10}", "[3]"), "30");
}

TEST(Callables, AFunctionObjectAsAnArgumentCarriesItsState) {
  EXPECT_EQ(run(parrun::task(Scale{5}, 3)), 15);
  EXPECT_EQ(run(parrun::task(Counter{{7, 8}}, 9)), 3U);
  EXPECT_EQ(run_json("Scale", R"([{"by": 4}, 3])"), "12");
}

TEST(Callables, ArgumentsAreConvertedAsInACall) {
  EXPECT_EQ(run(parrun::task<length>("four")), 4U);
  EXPECT_EQ(run(parrun::task<twice>(std::size_t{4})), 8);
  EXPECT_EQ(run(parrun::task<twice>('\1')), 2);
}

#ifdef __clang__
constexpr bool kSpelledInFull = false;  // it leaves out the arguments of a template, and an object's class
#else
constexpr bool kSpelledInFull = true;
#endif

TEST(Callables, OneThatIsNotRegisteredIsNamedAsItIsToBeWritten) {
  const struct {
    void (*call)();
    const char* name;
  } kCases[] = {
      {[] { parrun::task<power<int, 2>>(1); }, kSpelledInFull ? "power<int, 2>" : "power"},
      {[] { parrun::task<same<int>>(1); }, kSpelledInFull ? "same<int>" : "same"},
      {[] { parrun::task(callables::Idle(), 1); }, "callables::Idle"},
  };
  for (const auto& [call, name] : kCases) {
    EXPECT_THAT(call, ThrowsMessage<std::logic_error>(
                          AllOf(HasSubstr(std::string(name) + " is not registered"),
                                HasSubstr("write PARRUN_TASK(" + std::string(name) + ");"))));
  }
  EXPECT_THAT([] { parrun::task<Scale{2}>(1); },
              ThrowsMessage<std::logic_error>(
                  HasSubstr(kSpelledInFull ? "PARRUN_TASK(Scale{2})" : "PARRUN_TASK(its variable's name)")));
  EXPECT_THAT([] { parrun::task<[](int) {}>(1); },
              ThrowsMessage<std::logic_error>(HasSubstr("PARRUN_TASK(its variable's name)")));
}

}  // namespace
