#include "exec/inherited.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

namespace parrun {
namespace {

constexpr std::array kEndingSignals = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE};

}  // namespace

void close_all_but(const std::vector<int>& keep) {
  std::vector<int> inherited;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    inherited.push_back(std::atoi(entry.path().filename().c_str()));
  }
  for (const int fd : inherited) {
    if (fd > STDERR_FILENO && std::find(keep.begin(), keep.end(), fd) == keep.end()) close(fd);
  }
  // mpirun waits for the end of a rank's stdout; it is the rank's to give.
  const int empty = open("/dev/null", O_RDONLY);
  const int null = open("/dev/null", O_WRONLY);
  dup2(empty, STDIN_FILENO);
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) dup2(null, fd);
  for (const int fd : {empty, null}) {
    if (fd > STDERR_FILENO) close(fd);
  }
}

void remove_launcher_variables() {
  std::vector<std::string> names;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string name(*variable, std::strcspn(*variable, "="));
    if (name.starts_with("OMPI_") || name.starts_with("PMIX_") || name.starts_with("PMI_"))
      names.push_back(name);
  }
  for (const std::string& name : names) unsetenv(name.c_str());
}

void unblock_signals() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGCHLD, SIG_DFL);
}

void ignore_ending_signals() {
  for (const int number : kEndingSignals) signal(number, SIG_IGN);
}

void heed_ignored_signals() {
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction present {};
    if (sigaction(number, nullptr, &present) == 0 && present.sa_handler == SIG_IGN) signal(number, SIG_DFL);
  }
}

}  // namespace parrun
