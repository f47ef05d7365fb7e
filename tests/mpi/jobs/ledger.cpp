// A task that keeps a ledger: a line in a file when it starts, and one when it ends.

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "parrun/task.hpp"

namespace {

void note(const std::string& path, const char* what, int index) {
  char line[32];
  const int size = std::snprintf(line, sizeof line, "%s %d\n", what, index);
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (fd < 0 || write(fd, line, static_cast<std::size_t>(size)) != size) std::abort();
  close(fd);
}

}  // namespace

int ledger(const std::string& path, int index, double seconds) {
  note(path, "start", index);
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  note(path, "end", index);
  return index;
}
PARRUN_TASK(ledger);
