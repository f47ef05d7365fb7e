#include "report/joblog.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "parrun/errors.hpp"

namespace parrun {
namespace {

constexpr const char* kHeader = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
constexpr int kKilled = -1;
constexpr mode_t kMode = 0666;  // less the umask

// What --resume-failed does not run again has Exitval 0 and Signal 0, so nothing else may have both. -1 is
// parallel's for what it ended itself ("killed by Ctrl-C, timeout, not enough memory or similar"). What was
// lost or cancelled has no exit code either, and is to be run again.
int exit_value(const Outcome& outcome) {
  switch (outcome.state) {
    case State::succeeded:
      return 0;
    case State::failed:  // with exit code 0: a function that called exit(0) instead of returning
      return outcome.exit_code == 0 && outcome.signal == 0 ? 1 : outcome.exit_code;
    case State::timed_out:
    case State::lost:
    case State::cancelled:
      break;
  }
  return kKilled;
}

Descriptor open_file(const std::string& path, int flags) {
  // Non-blocking: a FIFO that nobody reads is an error, where opening it would wait for a reader.
  Descriptor file(::open(path.c_str(), flags | O_NONBLOCK | O_CLOEXEC, kMode));
  if (file) return file;
  throw InputError(fmt::format("cannot open {}: {}; give --joblog another name", path, std::strerror(errno)));
}

// The last line may have been cut: the program was killed, or the disk full, while it was written. parallel
// would take its number for done, or its half command for one to run again.
void drop_cut_line(const std::string& path, off_t size) {
  constexpr off_t kLongestLine = off_t{1} << 20;
  const Descriptor file = open_file(path, O_RDWR);
  std::string tail(static_cast<std::size_t>(std::min(size, kLongestLine)), '\0');
  const off_t start = size - static_cast<off_t>(tail.size());
  if (::pread(file.get(), tail.data(), tail.size(), start) != static_cast<ssize_t>(tail.size())) return;
  const std::size_t last_end = tail.rfind('\n');
  const std::size_t kept = last_end == std::string::npos ? 0 : last_end + 1;
  if (kept == tail.size() || (kept == 0 && start > 0)) return;
  if (::ftruncate(file.get(), start + static_cast<off_t>(kept)) != 0) {
    throw InputError(
        fmt::format("cannot write {}: {}; give --joblog another name", path, std::strerror(errno)));
  }
}

// What must stand before the next line: nothing, where the file holds lines.
const char* beginning(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) return kHeader;
  drop_cut_line(path, status.st_size);
  return ::stat(path.c_str(), &status) == 0 && status.st_size == 0 ? kHeader : "";
}

}  // namespace

std::string joblog_line(const Outcome& outcome, std::string_view command) {
  std::string text(command);
  std::replace(text.begin(), text.end(), '\n', '\0');  // as parallel does, which reads it back so; tabs stay
  // parallel calls the host it runs on ":"; an empty column would make it refuse the file. Send and
  // Receive count bytes of files that it moves between hosts, and of output that it collects; like its
  // --ungroup, this counts none.
  return fmt::format("{}\t{}\t{:.3f}\t{:10.3f}\t0\t0\t{}\t{}\t{}\n", outcome.task.get() + 1,
                     outcome.host.empty() ? ":" : outcome.host, outcome.started_s, outcome.elapsed_s,
                     exit_value(outcome), outcome.signal, text);
}

Joblog::Joblog(const std::string& path, bool append)
    : output_(open_file(path, O_WRONLY | O_CREAT | O_APPEND | (append ? 0 : O_TRUNC))) {
  output_.write(beginning(path));
}

void Joblog::check(const std::string& path) {
  const Descriptor file = open_file(path, O_RDWR | O_CREAT | O_APPEND);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  std::string beginning(4, '\0');
  const ssize_t size = ::pread(file.get(), beginning.data(), beginning.size(), 0);
  if (size > 0 &&
      !std::string_view(kHeader).starts_with(beginning.substr(0, static_cast<std::size_t>(size)))) {
    throw InputError(fmt::format("{} holds something else than a joblog; give --joblog another name", path));
  }
}

void Joblog::add(const Outcome& outcome, std::string_view command) {
  output_.write(joblog_line(outcome, command));
}

}  // namespace parrun
