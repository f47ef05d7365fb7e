// A module of another project: its tasks are called from JSON lines, by the installed parrun.

#include <memory>
#include <parrun/task.hpp>

struct Shape {
  virtual ~Shape() = default;
  virtual double area() const = 0;
  template <typename Archive>
  void serialize(Archive& /*archive*/, unsigned /*version*/) {}
};
struct Disc final : Shape {
  double radius = 0;
  double area() const override { return 3 * radius * radius; }
  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& boost::serialization::base_object<Shape>(*this) & radius;
  }
};
BOOST_CLASS_EXPORT(Disc)

struct Size {
  double width = 0, height = 0;
};
PARRUN_MEMBERS(Size, width, height);

double area(const Size& size) { return size.width * size.height; }
double area(double radius) {
  Disc disc;
  disc.radius = radius;
  return disc.area();
}
PARRUN_TASK_NAMED("area of a rectangle", static_cast<double (*)(const Size&)>(area));
PARRUN_TASK_NAMED("area of a disc", static_cast<double (*)(double)>(area));

std::unique_ptr<Shape> disc() { return std::make_unique<Disc>(); }
PARRUN_TASK(disc);
