#include "exec/registry.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "parrun/task.hpp"
#include "support/temp_dir.hpp"

namespace {

using parrun::find_function;
using parrun::Function;
using parrun::InputError;
using parrun::detail::from_bytes;
using parrun::detail::to_bytes;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

struct Particle {
  double mass_kg = 0;
  std::array<double, 3> position_m{};

  bool operator==(const Particle&) const = default;
  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& mass_kg& position_m;
  }
};

struct Charge {
  int value = 0;

  bool operator==(const Charge&) const = default;
  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& value;
  }
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Charge, value)

// Its from_json throws what it likes.
struct Picky {
  template <typename Archive>
  void serialize(Archive& /*archive*/, unsigned /*version*/) {}
};
void from_json(const nlohmann::json& /*json*/, Picky& /*out*/) {
  throw std::invalid_argument("the charge is imaginary");
}

struct AddOffset {
  int offset = 0;

  int operator()(int value) const { return value + offset; }
  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& offset;
  }
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(AddOffset, offset)

class OutOfRange : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

int registry_add(int a, int b) { return a + b; }
int registry_add_noexcept(int a, int b) noexcept { return a + b; }
void registry_nothing() {}
int registry_narrow(std::int8_t value) { return value; }
std::string registry_repeat(const std::string& text, std::uint32_t times) {
  std::string result;
  for (std::uint32_t i = 0; i < times; ++i) result += text;
  return result;
}
std::map<std::string, std::vector<double>> registry_columns(
    std::map<std::string, std::vector<double>> table) {
  for (auto& [name, column] : table) std::sort(column.begin(), column.end());
  return table;
}
Particle registry_push(Particle particle, double by_m) {
  for (double& coordinate : particle.position_m) coordinate += by_m;
  return particle;
}
Charge registry_negate(Charge charge) { return Charge{-charge.value}; }
void registry_picky(Picky /*picky*/) {}
double registry_nan() { return std::numeric_limits<double>::quiet_NaN(); }
std::string registry_latin1() { return "caf\xe9"; }
void registry_throw() { throw OutOfRange("beyond the box"); }
int registry_unregistered(int value) { return value; }

PARRUN_TASK(registry_add);
PARRUN_TASK(registry_add_noexcept);
PARRUN_TASK(registry_nothing);
PARRUN_TASK(registry_narrow);
PARRUN_TASK(registry_repeat);
PARRUN_TASK(registry_columns);
PARRUN_TASK(registry_push);
PARRUN_TASK(registry_negate);
PARRUN_TASK(registry_picky);
PARRUN_TASK(registry_nan);
PARRUN_TASK(registry_latin1);
PARRUN_TASK(registry_throw);
PARRUN_TASK(AddOffset);

const Function& function(std::string_view name) {
  const Function* found = find_function(name);
  if (found == nullptr) throw std::runtime_error("not registered: " + std::string(name));
  return *found;
}

std::string pack_json(std::string_view name, std::string_view arguments) {
  return function(name).arguments_from_json(name, arguments);
}

// What a worker does with a task from a batch of JSON lines: the result, as JSON.
std::string call_with_json(std::string_view name, std::string_view arguments) {
  const Function& f = function(name);
  return f.value_to_json(f.call(pack_json(name, arguments)));
}

template <typename R, typename... A>
R call(std::string_view name, const A&... arguments) {
  return std::get<0>(from_bytes<R>(function(name).call(to_bytes(arguments...))));
}

TEST(Registry, FindsAFunctionByTheNameThatWasWritten) {
  ASSERT_NE(find_function("registry_add"), nullptr);
  EXPECT_EQ(find_function("registry_add")->name, "registry_add");
  EXPECT_NE(find_function("AddOffset"), nullptr);
}

TEST(Registry, KnowsNoOtherNames) {
  EXPECT_EQ(find_function("registry_unregistered"), nullptr);
  EXPECT_EQ(find_function("registry_ad"), nullptr);
  EXPECT_EQ(find_function("registry_add "), nullptr);
  EXPECT_EQ(find_function(""), nullptr);
}

TEST(Registry, CallsThroughArchives) {
  EXPECT_EQ((call<int>("registry_add", 2, 40)), 42);
  EXPECT_EQ((call<int>("registry_add_noexcept", 2, 40)), 42);
  EXPECT_EQ((call<std::string>("registry_repeat", std::string("ab\0c", 4), std::uint32_t{2})),
            std::string("ab\0cab\0c", 8));
}

TEST(Registry, CarriesAUsersTypes) {
  const Particle before{2.5, {1, 2, 3}};
  EXPECT_EQ((call<Particle>("registry_push", before, 0.5)), (Particle{2.5, {1.5, 2.5, 3.5}}));
}

TEST(Registry, CarriesMegabytes) {
  const std::string text(16 << 20, 'x');
  EXPECT_EQ((call<std::string>("registry_repeat", text, std::uint32_t{1})), text);
}

TEST(Registry, PacksInAsMuchMemoryAsThatTakes) {
  const std::string packed = to_bytes(std::string(500, 'x'), 7, std::wstring(3, L'w'));
  EXPECT_EQ(packed.capacity(), packed.size());
  const std::string large = to_bytes(std::string(1'000'000, 'x'));
  EXPECT_GE(large.capacity(), large.size() + 1000) << "what comes behind it on its way moves nothing";
}

TEST(Registry, AFunctionObjectTravelsWithItsState) {
  EXPECT_EQ((call<int>("AddOffset", AddOffset{100}, 7)), 107);
  EXPECT_EQ(call_with_json("AddOffset", R"([{"offset": 100}, 7])"), "107");
}

TEST(Registry, AVoidResultIsNoBytesAndHasNoJson) {
  const Function& f = function("registry_nothing");
  EXPECT_EQ(f.call(to_bytes()), "");
  EXPECT_EQ(f.value_to_json, nullptr);
  EXPECT_EQ(f.call(f.arguments_from_json(f.name, "[]")), "");
}

TEST(Registry, LetsTheFunctionsExceptionThrough) {
  EXPECT_THROW(function("registry_throw").call(to_bytes()), OutOfRange);
}

TEST(Registry, ArgumentsCutAtAnyByteThrow) {
  const Function& f = function("registry_columns");
  const std::string whole = to_bytes(std::map<std::string, std::vector<double>>{{"energy", {3, 1, 2}}});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_ANY_THROW(f.call(whole.substr(0, size))) << size;
  }
}

TEST(RegistryJson, GoesIntoArgumentsAndComesOutOfResults) {
  EXPECT_EQ(call_with_json("registry_add", "[2, 40]"), "42");
  EXPECT_EQ(call_with_json("registry_repeat", R"(["\u00e9\n", 2])"), "\"\u00e9\\n\u00e9\\n\"");
  EXPECT_EQ(call_with_json("registry_columns", R"([{"energy": [3, 1, 2], "none": []}])"),
            R"({"energy":[1.0,2.0,3.0],"none":[]})");
  EXPECT_EQ(call_with_json("registry_negate", R"([{"value": 3}])"), R"({"value":-3})");
}

TEST(RegistryJson, ArgumentsAreShownAsTheyWereGiven) {
  const Function& f = function("registry_repeat");
  EXPECT_EQ(f.arguments_to_json(f.arguments_from_json(f.name, R"(["ab", 2])")), R"(["ab",2])");
}

TEST(RegistryJson, EqualsWhatATaskBuiltInCppHolds) {
  EXPECT_EQ(parrun::task<registry_repeat>("ab", 2U).fields().arguments,
            pack_json("registry_repeat", R"(["ab", 2])"));
  EXPECT_EQ(parrun::task(AddOffset{100}, 7).fields().arguments,
            pack_json("AddOffset", R"([{"offset": 100}, 7])"));
}

TEST(RegistryJson, WrongArgumentsAreRefusedWithTheReason) {
  const struct {
    const char* name;
    const char* arguments;
    const char* reason;
  } kCases[] = {
      {"registry_add", "[1]", "registry_add takes 2 arguments, 1 given"},
      {"registry_add", "[1, 2, 3]", "registry_add takes 2 arguments, 3 given"},
      {"registry_nothing", "[1]", "registry_nothing takes 0 arguments, 1 given"},
      {"registry_add", R"({"a": 1})", "are no JSON array"},
      {"registry_add", "[1, 2", "are no JSON array"},
      {"registry_add", "[1, 2.5]", "argument 2: 2.5 is not an integer"},
      {"registry_add", R"([1, "2"])", R"("2" is not an integer)"},
      {"registry_add", "[1, true]", "true is not an integer"},
      {"registry_add", "[1, null]", "null is not an integer"},
      {"registry_add", "[1, 2147483648]", "from -2147483648 to 2147483647"},
      {"registry_narrow", "[128]", "128 is not an integer from -128 to 127"},
      {"registry_narrow", "[-129]", "-129 is not an integer from -128 to 127"},
      {"registry_repeat", R"(["a", -1])", "-1 is not an integer from 0 to 4294967295"},
      {"registry_repeat", "[7, 1]", "argument 1: 7 is not a string"},
      {"registry_columns", R"([{"energy": [1, "x"]}])", R"("x" is not a number)"},
      {"registry_columns", "[[1]]", "[1] is not an object"},
      {"registry_negate", "[{}]", "value"},
      {"registry_picky", "[{}]", "the charge is imaginary"},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT([&] { pack_json(c.name, c.arguments); }, ThrowsMessage<InputError>(HasSubstr(c.reason)))
        << c.name << c.arguments;
  }
}

TEST(RegistryJson, TheReasonIsShortHoweverLongTheArgument) {
  const std::string arguments = "[1, \"" + std::string(1'000'000, 'x') + "\"]";
  try {
    pack_json("registry_add", arguments);
    FAIL() << "taken";
  } catch (const InputError& error) {
    EXPECT_LT(std::string(error.what()).size(), 200U);
  }
}

TEST(RegistryJson, ATypeWithoutAJsonFormIsToldByNull) {
  const Function& f = function("registry_push");
  EXPECT_EQ(f.arguments_from_json, nullptr);
  EXPECT_EQ(f.arguments_to_json, nullptr);
  EXPECT_EQ(f.value_to_json, nullptr);
}

TEST(RegistryJson, AResultThatJsonCannotHoldIsShownAllTheSame) {
  EXPECT_EQ(call_with_json("registry_nan", "[]"), "null");
  EXPECT_EQ(call_with_json("registry_latin1", "[]"), "\"caf\ufffd\"");
}

TEST(RegistryTask, NamesTheRegisteredFunction) {
  EXPECT_EQ(parrun::task<registry_add>(1, 2).fields().function, "registry_add");
  EXPECT_EQ(parrun::task(AddOffset{1}, 2).fields().function, "AddOffset");
}

TEST(RegistryTask, AnUnregisteredFunctionIsNamedWithTheRemedy) {
  EXPECT_THAT(
      [] { parrun::task<registry_unregistered>(1); },
      ThrowsMessage<std::logic_error>(AllOf(HasSubstr("registry_unregistered"), HasSubstr("PARRUN_TASK"))));
}

TEST(RegistryTask, CarriesItsLabelAndLimit) {
  using namespace std::chrono_literals;
  const auto task = parrun::task<registry_add>(1, 2).label("first").timeout(1500ms);
  EXPECT_EQ(task.fields().label, "first");
  EXPECT_EQ(task.fields().timeout, 1500ms);
}

TEST(RegistryFingerprint, HasASortedLineForEachFunctionWithItsSignature) {
  const std::vector<std::string> lines = parrun::registry_fingerprint();
  EXPECT_TRUE(std::is_sorted(lines.begin(), lines.end()));
  const std::string name = std::string("registry_add") + parrun::kNameEnd;
  EXPECT_THAT(lines, Contains(AllOf(StartsWith(name), HasSubstr("int"))).Times(1));
  EXPECT_EQ(lines, parrun::registry_fingerprint());
}

TEST(RegistryFingerprint, HoldsTheBuildIdOfTheProgram) {
  for (const std::string& line : parrun::registry_fingerprint()) {
    const std::string build_id = line.substr(line.rfind(' ') + 1);
    EXPECT_GE(build_id.size(), 16U) << line;
    EXPECT_EQ(build_id.find_first_not_of("0123456789abcdef"), std::string::npos) << line;
  }
}

TEST(LoadModule, AMissingFileIsNamed) {
  EXPECT_THAT([] { parrun::load_module("/no/such/module.so"); },
              ThrowsMessage<InputError>(
                  AllOf(HasSubstr("/no/such/module.so"), HasSubstr("No such file"), HasSubstr("--load"))));
}

TEST(LoadModule, ANameWithoutAFolderIsInTheCurrentOne) {
  // libm.so.6 is on the system's library path, where dlopen alone would find it.
  EXPECT_THAT([] { parrun::load_module("libm.so.6"); }, ThrowsMessage<InputError>(HasSubstr("libm.so.6")));
}

TEST(LoadModule, WhatIsNoModuleIsRefusedInOneLine) {
  const parrun::test::TempDir dir;
  for (const std::string& path :
       {dir.write("text.so",
                  "not a module, but long enough to hold the header of one: " + std::string(64, '.')),
        dir.write("empty.so", ""), dir.path().string()}) {
    EXPECT_THAT([&] { parrun::load_module(path); },
                ThrowsMessage<InputError>(AllOf(HasSubstr(path), ::testing::Not(HasSubstr("\n")))));
  }
}

std::string path_of_libc() {
  Dl_info info{};
  return ::dladdr(reinterpret_cast<void*>(&::getpid), &info) != 0 ? info.dli_fname : "";
}

// The registry only grows, so a name that is taken twice is put there in a process of its own.
TEST(LoadModuleDeathTest, ANameRegisteredTwiceIsRefused) {
  const auto register_again_and_load = [] {
    parrun::detail::add_function(function("registry_add"));
    try {
      parrun::load_module(path_of_libc());
    } catch (const InputError& error) {
      std::fputs(error.what(), stderr);
      std::_Exit(0);
    }
    std::_Exit(1);
  };
  EXPECT_EXIT(register_again_and_load(), ::testing::ExitedWithCode(0), "'registry_add' is registered twice");
}

TEST(Demangled, IsTheNameAsWrittenInSource) {
  EXPECT_EQ(parrun::demangled(typeid(std::runtime_error).name()), "std::runtime_error");
  EXPECT_EQ(parrun::demangled("no mangled name"), "no mangled name");
}

}  // namespace
