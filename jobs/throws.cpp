// Throws. Whatever a task throws makes that one task fail; its error tells the type and the message.
//
//   {"call": "throws", "args": ["runtime_error", "the disk is on fire"]}
//   {"call": "throws", "args": ["own", "no convergence"]}    an exception type of this file
//   {"call": "throws", "args": ["int", ""]}                  no std::exception at all

#include <stdexcept>
#include <string>

#include "parrun/task.hpp"

class ConvergenceError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

void throws(const std::string& kind, const std::string& message) {
  if (kind == "runtime_error") throw std::runtime_error(message);
  if (kind == "own") throw ConvergenceError(message);
  if (kind == "int") throw 42;
  throw std::invalid_argument("kind '" + kind + "' is none of runtime_error, own, int");
}
PARRUN_TASK(throws);
