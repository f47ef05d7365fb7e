// A module that does as PARRUN_TEST_HOSTILE says while it is loaded, or when the process that it is loaded
// into ends.

#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "parrun/task.hpp"

namespace {

[[noreturn]] void hang() {
  for (;;) pause();
}

struct Hostile {
  std::string_view what =
      std::getenv("PARRUN_TEST_HOSTILE") != nullptr ? std::getenv("PARRUN_TEST_HOSTILE") : "";

  Hostile() {
    if (what == "hangs") hang();
    if (what == "exits") std::exit(0);
    if (what == "exits_at_exit") std::atexit([] { _exit(0); });
  }
  ~Hostile() {
    if (what == "hangs_at_exit") hang();
  }
} hostile;

}  // namespace

[[noreturn]] void exits_with_0() { std::exit(0); }
PARRUN_TASK(exits_with_0);
