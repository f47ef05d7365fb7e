#include "parrun/members.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <complex>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "library/round_trip.hpp"

namespace grid {

enum class Axis : std::uint8_t { x, y, z };

struct Cell {
  int level = 0;
  std::array<double, 2> corner_m{};
  std::optional<std::string> name;
  bool operator==(const Cell&) const = default;
};
PARRUN_MEMBERS(Cell, level, corner_m, name);

// Holds one with members, and derives from it.
struct Block : Cell {
  std::vector<Cell> cells;
  Axis axis = Axis::x;
  bool operator==(const Block&) const = default;
};
PARRUN_MEMBERS(Block, level, corner_m, name, cells, axis);

struct Nothing {
  bool operator==(const Nothing&) const = default;
};
PARRUN_MEMBERS(Nothing);

struct Twenty {
  int a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7, h = 8, i = 9, j = 10;
  int k = 11, l = 12, m = 13, n = 14, o = 15, p = 16, q = 17, r = 18, s = 19, t = 20;
  bool operator==(const Twenty&) const = default;
};
PARRUN_MEMBERS(Twenty, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t);

// Its complex number has no JSON form, so neither has it.
struct Wave {
  std::complex<double> amplitude;
  bool operator==(const Wave&) const = default;
};
PARRUN_MEMBERS(Wave, amplitude);

// Classes of the same namespace with a serialize() of their own, and a struct that holds them all.
struct Field {
  std::vector<double> values;
  bool operator==(const Field&) const = default;
  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& values;
  }
};

class Seed {
 public:
  Seed() = default;
  explicit Seed(int value) : value_(value) {}
  bool operator==(const Seed&) const = default;

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
void serialize(Archive& archive, Free& free, unsigned /*version*/) {
  archive& free.value;
}

struct Shape {
  virtual ~Shape() = default;
  virtual double area() const { return 0; }
  template <typename Archive>
  void serialize(Archive& /*archive*/, unsigned /*version*/) {}
};
struct Square : Shape {
  explicit Square(double s = 0) : side(s) {}
  double side;
  double area() const override { return side * side; }
  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& boost::serialization::base_object<Shape>(*this);
    archive& side;
  }
};

struct Setup {
  Field field;
  std::map<std::string, Field> fields;
  Seed seed;
  std::variant<Free, double> free;
  std::shared_ptr<Shape> shape;
};
PARRUN_MEMBERS(Setup, field, fields, seed, free, shape);

// They hold their own kind.
struct Tree {
  int key = 0;
  std::vector<Tree> children;
  std::map<std::string, Tree> named;
  bool operator==(const Tree& other) const {  // a default one would look into the map of what is incomplete
    return key == other.key && children == other.children && named == other.named;
  }
};
PARRUN_MEMBERS(Tree, key, children, named);

struct Link {
  int key = 0;
  std::shared_ptr<Link> next;
};
PARRUN_MEMBERS(Link, key, next);

}  // namespace grid

BOOST_CLASS_EXPORT(grid::Square)

namespace {

using parrun::test::expect_same;
using parrun::test::run;
using parrun::test::run_json;
using parrun::test::same;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

PARRUN_TASK_NAMED("block", same<grid::Block>);
PARRUN_TASK_NAMED("twenty", same<grid::Twenty>);
PARRUN_TASK_NAMED("nothing", same<grid::Nothing>);
PARRUN_TASK_NAMED("wave", same<grid::Wave>);
PARRUN_TASK_NAMED("setup", same<grid::Setup>);
PARRUN_TASK_NAMED("tree", same<grid::Tree>);
PARRUN_TASK_NAMED("link", same<grid::Link>);

grid::Block a_block() {
  grid::Block block;
  block.level = 3;
  block.name = "north";
  block.cells = {{1, {0.5, -1}, "a"}, {2, {}, std::nullopt}};
  block.axis = grid::Axis::y;
  return block;
}

TEST(Members, AreArchived) {
  expect_same(a_block());
  expect_same(grid::Nothing{});
  expect_same(grid::Wave{{1, 2}});
  grid::Twenty twenty;
  twenty.t = -20;
  expect_same(twenty);
}

TEST(Members, AreOfClassesOfTheSameNamespaceThatSerialiseThemselvesToo) {
  const grid::Setup setup{
      {{1, 2}}, {{"a", {{3}}}}, grid::Seed(4), grid::Free{5}, std::make_shared<grid::Square>(6)};
  const grid::Setup back = run(parrun::task<same<grid::Setup>>(setup));
  EXPECT_EQ(back.field, setup.field);
  EXPECT_EQ(back.fields, setup.fields);
  EXPECT_EQ(back.seed, setup.seed);
  EXPECT_EQ(back.free, setup.free);
  EXPECT_EQ(back.shape->area(), 36);
  EXPECT_EQ(parrun::test::registered("setup").value_to_json, nullptr);
}

TEST(Members, OfItsOwnKindMakeATree) {
  const grid::Tree tree{1, {{2, {}, {}}, {3, {{4, {}, {}}}, {}}}, {{"five", {5, {}, {}}}}};
  expect_same(tree);
  EXPECT_EQ(nlohmann::json(tree).get<grid::Tree>(), tree);
  const std::string text = R"({"children":[{"children":[],"key":2,"named":{}}],"key":1,"named":{}})";
  EXPECT_EQ(run_json("tree", "[" + text + "]"), text);
}

TEST(Members, OfItsOwnKindBehindPointersMakeAList) {
  const grid::Link link{1, std::make_shared<grid::Link>(grid::Link{2, nullptr})};
  const grid::Link back = run(parrun::task<same<grid::Link>>(link));
  EXPECT_EQ(back.next->key, 2);
  EXPECT_EQ(back.next->next, nullptr);
  EXPECT_EQ(parrun::test::registered("link").arguments_from_json, nullptr);
}

TEST(Members, GoIntoAndComeOutOfJsonByTheirNames) {
  const std::string text =
      R"({"axis":1,"cells":[{"corner_m":[0.5,-1.0],"level":1,"name":"a"},)"
      R"({"corner_m":[0.0,0.0],"level":2,"name":null}],"corner_m":[0.0,0.0],"level":3,"name":"north"})";
  EXPECT_EQ(run_json("block", "[" + text + "]"), text);
  EXPECT_EQ(run_json("nothing", "[{}]"), "{}");
  EXPECT_THAT(run_json("twenty", "[" + nlohmann::json(grid::Twenty()).dump() + "]"), HasSubstr(R"("t":20)"));
}

TEST(Members, HaveNlohmannsConversionsToo) {
  EXPECT_EQ(nlohmann::json(a_block()).get<grid::Block>(), a_block());
}

TEST(Members, InJsonAreExactlyThoseNamed) {
  const struct {
    const char* arguments;
    const char* reason;
  } kCases[] = {
      {R"([{"level": 1, "corner_m": [0, 0]}])", "cell, argument 1: the member 'name' is missing"},
      {R"([{"level": 1, "corner_m": [0, 0], "name": null, "nmae": 1}])", "there is no member 'nmae'"},
      {R"([{"level": 1.5, "corner_m": [0, 0], "name": null}])", "'level': 1.5 is not an integer"},
      {R"([{"level": 1, "corner_m": [0], "name": null}])", "'corner_m': [0] is not an array of 2"},
      {"[[1]]", "[1] is not an object"},
  };
  const parrun::Function& cell = parrun::test::registered("cell");
  for (const auto& c : kCases) {
    EXPECT_THAT([&] { cell.arguments_from_json("cell", c.arguments); },
                ThrowsMessage<parrun::InputError>(HasSubstr(c.reason)));
  }
}
PARRUN_TASK_NAMED("cell", same<grid::Cell>);

TEST(Members, OneWithoutAJsonFormLeavesTheStructWithoutOne) {
  const parrun::Function& wave = parrun::test::registered("wave");
  EXPECT_EQ(wave.arguments_from_json, nullptr);
  EXPECT_EQ(wave.value_to_json, nullptr);
  static_assert(!std::is_constructible_v<nlohmann::json, grid::Wave>);
}

}  // namespace
