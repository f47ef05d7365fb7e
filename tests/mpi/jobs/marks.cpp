// Tasks that say when they began: each appends the time [s since 1970] to a file.

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

#include "parrun/task.hpp"

namespace {

void mark(const std::string& path) {
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  char line[64];
  const int size = std::snprintf(line, sizeof line, "%.6f\n", now.count());
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (fd < 0 || write(fd, line, static_cast<std::size_t>(size)) != size) std::abort();
  close(fd);
}

}  // namespace

void marks_then_spins(const std::string& path) {
  mark(path);
  for (volatile unsigned long turns = 0;;) turns = turns + 1;
}
PARRUN_TASK(marks_then_spins);

int marks_then_sleeps(const std::string& path, double seconds) {
  mark(path);
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  return 1;
}
PARRUN_TASK(marks_then_sleeps);
