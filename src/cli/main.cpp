#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/exit_code.hpp"
#include "base/sanitizers.hpp"
#include "cli/program.hpp"

namespace {

pid_t program = 0;

// A module that is loaded has called exit(), or a task on a thread of this process: whatever code it gave,
// the work is not done. A task's own process may.
void refuse_exit() {
  constexpr std::string_view kWhy =
      "parrun: exit() was called in parrun's own process, by a module or a task on a thread; the run is "
      "ended\n";
  if (getpid() != program) return;
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kWhy.data(), kWhy.size());
  _exit(parrun::exit_code::kInternalError);
}

}  // namespace

int main(int argc, char** argv) {
  program = getpid();
  std::atexit(refuse_exit);
  const int code = parrun::run_program(argc, argv);
  std::fflush(nullptr);
  program = 0;
  // A sanitizer looks for leaks at exit. What modules do there else may last for ever, or change the code.
  if (PARRUN_ADDRESS_SANITIZER != 0 || PARRUN_THREAD_SANITIZER != 0) return code;
  _exit(code);
}
