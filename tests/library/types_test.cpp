// Which types a task function may take and give.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <complex>
#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "library/round_trip.hpp"

namespace {

using parrun::test::expect_same;
using parrun::test::run;
using parrun::test::run_json;
using parrun::test::same;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

enum class Axis : std::uint8_t { x, y, z };

enum class Phase { solid, liquid };
NLOHMANN_JSON_SERIALIZE_ENUM(Phase, {{Phase::solid, "solid"}, {Phase::liquid, "liquid"}})

// Serialised by a private member, and by a free function.
class Intrusive {
 public:
  Intrusive() = default;
  explicit Intrusive(int value) : value_(value) {}
  bool operator==(const Intrusive&) const = default;

 private:
  friend class boost::serialization::access;
  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& value_;
  }
  int value_ = 0;
};

struct Free {
  int value = 0;
  bool operator==(const Free&) const = default;
};
template <typename Archive>
void serialize(Archive& archive, Free& free, const unsigned /*version*/) {
  archive& free.value;
}

struct Final final {
  int value = 0;
  bool operator==(const Final&) const = default;
  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& value;
  }
};

struct Shape {
  virtual ~Shape() = default;
  virtual double area_m2() const = 0;
  template <typename Archive>
  void serialize(Archive& /*archive*/, unsigned /*version*/) {}
};
struct Square final : Shape {
  double side_m = 0;
  Square() = default;
  explicit Square(double side) : side_m(side) {}
  double area_m2() const override { return side_m * side_m; }
  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& boost::serialization::base_object<Shape>(*this) & side_m;
  }
};

}  // namespace

// Elsewhere, as Boost's own manual does it.
struct Outside {
  int value = 0;
  bool operator==(const Outside&) const = default;
};
namespace boost::serialization {
template <typename Archive>
void serialize(Archive& archive, Outside& outside, const unsigned /*version*/) {
  archive& outside.value;
}
}  // namespace boost::serialization

BOOST_CLASS_EXPORT(Square)

namespace {

using Table = std::map<std::string, std::map<int, std::vector<std::optional<double>>>>;
using Either = std::variant<std::monostate, int, std::string, std::vector<double>, int>;
using Tuple = std::tuple<int, std::string, std::pair<bool, char>>;
using Hashed = std::unordered_map<std::string, std::unordered_set<int>>;
using Multiple = std::tuple<std::multimap<int, Axis>, std::multiset<int>,
                            std::unordered_multimap<int, std::string>, std::unordered_multiset<std::string>>;
using Sequences = std::pair<std::list<int>, std::deque<std::set<std::string>>>;

PARRUN_TASK(same<long double>);
PARRUN_TASK(same<Axis>);
PARRUN_TASK(same<std::complex<double>>);
PARRUN_TASK(same<std::wstring>);
PARRUN_TASK(same<std::vector<bool>>);
PARRUN_TASK_NAMED("table", same<Table>);
PARRUN_TASK_NAMED("either", same<Either>);
PARRUN_TASK_NAMED("tuple", same<Tuple>);
PARRUN_TASK_NAMED("hashed", same<Hashed>);
PARRUN_TASK_NAMED("multiple", same<Multiple>);
PARRUN_TASK_NAMED("sequences", same<Sequences>);
PARRUN_TASK_NAMED("optional", same<std::optional<std::vector<int>>>);
PARRUN_TASK_NAMED("intrusive", same<Intrusive>);
PARRUN_TASK_NAMED("free", same<Free>);
PARRUN_TASK_NAMED("final", same<Final>);
PARRUN_TASK_NAMED("outside", same<Outside>);
PARRUN_TASK_NAMED("outsides", same<std::vector<Outside>>);
PARRUN_TASK_NAMED("axis", same<Axis>);
PARRUN_TASK_NAMED("phase", same<Phase>);

TEST(Types, ScalarsAndTheirKin) {
  expect_same(std::numeric_limits<long double>::denorm_min());
  expect_same(Axis::z);
  expect_same(std::complex<double>(1, -2));
  expect_same(std::wstring(L"\u00e9\0x", 3));
}

TEST(Types, ContainersOfContainers) {
  expect_same(std::vector<bool>{true, false, true});
  expect_same(Table{{"energy", {{-1, {1.5, std::nullopt}}, {2, {}}}}, {"", {}}});
  expect_same(Hashed{{"odd", {1, 3}}, {"none", {}}});
  expect_same(Sequences{{3, 1}, {{"a", "b"}, {}}});
  expect_same(Multiple{{{1, Axis::y}, {1, Axis::x}}, {2, 2}, {{3, "a"}, {3, "a"}}, {"b", "b"}});
  EXPECT_EQ(run_json("multiple", R"([[[[1,0],[1,2]],[2,2],[[3,"a"],[3,"a"]],["b","b"]]])"),
            R"([[[1,0],[1,2]],[2,2],[[3,"a"],[3,"a"]],["b","b"]])");
}

TEST(Types, OptionalTupleAndVariant) {
  expect_same(std::optional<std::vector<int>>{});
  expect_same(std::optional<std::vector<int>>{{1, 2}});
  expect_same(Tuple{1, "two", {true, '3'}});
  expect_same(Either{});
  expect_same(Either{"text"});
  expect_same(Either{std::vector<double>{1, 2}});
}

TEST(Types, AVariantKeepsWhichOfEqualTypesItHolds) {
  const Either last(std::in_place_index<4>, 7);
  EXPECT_EQ(run(parrun::task<same<Either>>(last)).index(), 4U);
}

TEST(Types, AVariantOfAnUnknownAlternativeIsRefused) {
  const std::string held(64, '\0');  // what follows is enough for any alternative
  std::string bytes = parrun::detail::to_bytes(Either(held));
  char& index = bytes[bytes.size() - held.size() - 2 * sizeof(std::size_t)];  // before the text's size
  ASSERT_EQ(index, 2);
  index = 5;
  EXPECT_THROW(parrun::detail::from_bytes<Either>(bytes), boost::archive::archive_exception);
}

TEST(Types, AUsersStructByAMemberAFreeFunctionOrInBoostsNamespace) {
  expect_same(Intrusive(7));
  expect_same(Free{7});
  expect_same(Final{7});
  expect_same(Outside{7});
  expect_same(std::vector<Outside>{{1}, {2}});
}

TEST(MapJson, WithKeysThatAreNoStringsIsAnArrayOfPairs) {
  EXPECT_EQ(run_json("table", R"([{"energy": [[-1, [1.5, null]]]}])"), R"({"energy":[[-1,[1.5,null]]]})");
}

TEST(EnumJson, IsItsNumberStrictly) {
  EXPECT_EQ(run_json("axis", "[2]"), "2");
  const parrun::Function& axis = parrun::test::registered("axis");
  EXPECT_THAT([&] { axis.arguments_from_json("axis", "[256]"); },
              ThrowsMessage<parrun::InputError>(HasSubstr("256 is not an integer from 0 to 255")));
}

TEST(EnumJson, IsOneOfTheNamesThatItWasGivenStrictly) {
  EXPECT_EQ(run_json("phase", R"(["liquid"])"), R"("liquid")");
  const parrun::Function& phase = parrun::test::registered("phase");
  EXPECT_THAT([&] { phase.arguments_from_json("phase", R"(["liqiud"])"); },
              ThrowsMessage<parrun::InputError>(HasSubstr("\"liqiud\" is not a name of its type")));
}

double total_area(const std::vector<std::unique_ptr<Shape>>& shapes) {
  double sum = 0;
  for (const auto& shape : shapes) sum += shape->area_m2();
  return sum;
}
std::unique_ptr<Shape> grown(std::unique_ptr<Shape> shape, double by_m) {
  return std::make_unique<Square>(dynamic_cast<Square&>(*shape).side_m + by_m);
}
std::shared_ptr<Shape> shared(std::shared_ptr<Shape> first, const std::shared_ptr<Shape>& second) {
  return first == second ? first : nullptr;
}
Shape* pointed(Shape* shape) { return shape; }
PARRUN_TASK(total_area);
PARRUN_TASK(grown);
PARRUN_TASK(shared);
PARRUN_TASK(pointed);

TEST(Polymorphic, AUniquePointerGoesAndComesAsWhatItPointsTo) {
  const auto result = run(parrun::task<grown>(std::make_unique<Square>(2), 1));
  EXPECT_EQ(result->area_m2(), 9);
}

TEST(Polymorphic, AMoveOnlyArgumentStaysWithTheCaller) {
  const std::unique_ptr<Shape> square = std::make_unique<Square>(2);
  const auto task = parrun::task<grown>(square, 1);
  EXPECT_EQ(run(task)->area_m2(), 9);
  EXPECT_EQ(run(task)->area_m2(), 9);
  EXPECT_EQ(square->area_m2(), 4);
}

TEST(Polymorphic, ContainersOfPointersTravel) {
  std::vector<std::unique_ptr<Shape>> shapes;
  for (const double side : {1.0, 2.0, 3.0}) shapes.push_back(std::make_unique<Square>(side));
  EXPECT_EQ(run(parrun::task<total_area>(shapes)), 14);
}

TEST(Polymorphic, ASharedPointerIsStillSharedThere) {
  const std::shared_ptr<Shape> square = std::make_shared<Square>(2);
  EXPECT_EQ(run(parrun::task<shared>(square, square))->area_m2(), 4);
  EXPECT_EQ(run(parrun::task<shared>(square, std::make_shared<Square>(2))), nullptr);
  EXPECT_EQ(run(parrun::task<shared>(nullptr, nullptr)), nullptr);
}

TEST(Polymorphic, APlainPointersReceiverOwnsIt) {
  Square square(3);
  Shape* argument = nullptr;
  const auto task = parrun::task<pointed>(&square);
  argument = std::get<0>(parrun::detail::from_bytes<Shape*>(task.fields().arguments));
  EXPECT_NE(argument, &square);
  EXPECT_EQ(argument->area_m2(), 9);
  delete argument;
}

// What was packed before can be read, and what is packed today by who packed it then.
template <typename... T>
void expect_the_archives_bytes(const T&... values) {
  std::string bytes;
  parrun::detail::OutArchive archive(bytes);
  (static_cast<void>(archive << values), ...);
  EXPECT_EQ(parrun::detail::to_bytes(values...), bytes);
  EXPECT_EQ((parrun::detail::from_bytes<T...>(bytes)), (std::tuple<T...>(values...)));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const std::string_view cut = std::string_view(bytes).substr(0, size);
    EXPECT_THROW((parrun::detail::from_bytes<T...>(cut)), boost::archive::archive_exception) << size;
  }
}

TEST(PlainTypes, AreWrittenWithoutAnArchiveAsOneWouldWriteThem) {
  expect_the_archives_bytes(true, 'c', std::int8_t{-1}, std::uint64_t{1} << 63, 1.5F, 2.5);
  expect_the_archives_bytes(std::string("text"), std::size_t{64});
  expect_the_archives_bytes(std::string(), std::wstring(L"wide"));
  expect_the_archives_bytes(-7, std::vector<double>{1, 2}, std::string("beside one that is not"));
}

}  // namespace
