// A function object: its state (here the factor) travels with each task, as the first argument.
//
//   {"call": "Scale", "args": [{"factor": 2.5}, [1, 2, 3]]}    ->  [2.5,5.0,7.5]

#include <vector>

#include "parrun/task.hpp"

struct Scale {
  double factor = 1;

  std::vector<double> operator()(std::vector<double> values) const {
    for (double& value : values) value *= factor;
    return values;
  }

  template <typename Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& factor;
  }
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Scale, factor)  // so that it can be written in JSON lines
PARRUN_TASK(Scale);
