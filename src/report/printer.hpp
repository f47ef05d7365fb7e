#pragma once
// How one outcome looks on stdout and stderr. Pure.

#include <string>

#include "parrun/outcome.hpp"

namespace parrun {

enum class Format { raw, jsonl };

struct Printed {
  std::string out;
  std::string err;
};

/// raw: a command's own output; a function's, and its value as a line of JSON. jsonl: one object in a line.
Printed print(const Outcome& outcome, const std::string& label, Format format);

/// "task 7 (label) on rank 2 (node1): left 2 processes behind, ..."
std::string describe_warning(const Outcome& outcome, const std::string& label);

/// "task 7 (label) failed on rank 2 (node1): exit code 3"
std::string describe_failure(const Outcome& outcome, const std::string& label);

}  // namespace parrun
