#pragma once
#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/descriptor.hpp"

namespace parrun::test {

struct Pipe {
  Descriptor read;  ///< does not block
  Descriptor write;
};

Pipe make_pipe();

using Environment = std::vector<std::pair<std::string, std::string>>;

struct SpawnRequest {
  std::vector<std::string> argv;
  Environment env;  ///< beyond this process's own
  std::string cwd;  ///< empty: this process's
  std::string stdin_path;
  int stdout_fd = 1;
  int stderr_fd = 2;
};

/// Starts argv[0], looked up in PATH, in a process group of its own. When it returns the program runs, with
/// its environment in place. Throws std::system_error where it cannot be started.
pid_t spawn(const SpawnRequest& request);

}  // namespace parrun::test
