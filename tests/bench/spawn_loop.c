// The plainest loop that runs a command COUNT times, two of them at once.
//   spawn_loop COUNT COMMAND

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char** environ;

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const long count = atol(argv[1]);
  long started = 0;
  for (long ended = 0; ended < count; ++ended) {
    for (; started < count && started < ended + 2; ++started) {
      pid_t child = 0;
      if (posix_spawnp(&child, argv[2], NULL, NULL, argv + 2, environ) != 0) return 1;
    }
    int status = 0;
    if (wait(&status) < 0 || status != 0) return 1;
  }
  return 0;
}
