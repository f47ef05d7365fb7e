#include "cluster/command.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/descriptor.hpp"

namespace parrun::cluster {
namespace {

// posix_spawn(3) cannot have the child end with us, and fork(2) is not for processes whose memory MPI has
// pinned.
pid_t start(const char* command, int out) {
  const pid_t pid =
      vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork): nothing is touched before exec
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  dup2(out, STDOUT_FILENO);
  execl("/bin/sh", "sh", "-c", command, static_cast<char*>(nullptr));
  _exit(127);
}

}  // namespace

std::string output_of(const std::string& command) {
  std::string text;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return text;
  const Descriptor out(ends[0]);
  Descriptor in(ends[1]);
  const pid_t pid = start(command.c_str(), in.get());
  in.reset();
  std::array<char, 256> buffer{};
  for (ssize_t size = 0; (size = read(out.get(), buffer.data(), buffer.size())) != 0;) {
    if (size > 0) text.append(buffer.data(), static_cast<std::size_t>(size));
    if (size < 0 && errno != EINTR) break;
  }
  if (pid > 0) waitpid(pid, nullptr, 0);
  return text;
}

bool is_job_id(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789_") == text.npos;
}

}  // namespace parrun::cluster
