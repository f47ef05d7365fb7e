#include "report/joblog.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "parrun/errors.hpp"

namespace parrun {
namespace {

constexpr const char* kHeader = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
constexpr int kKilled = -1;
constexpr mode_t kMode = 0666;    // less the umask
constexpr std::size_t kMark = 4;  // so many bytes tell a joblog from what is none

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

[[noreturn]] void refuse(const char* what, const std::string& path) {
  throw InputError(
      fmt::format("cannot {} {}: {}; give --joblog another name", what, path, std::strerror(errno)));
}

bool is_regular(const Descriptor& file) {
  struct stat status {};
  return ::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode);
}

std::string read_at(const Descriptor& file, off_t start, std::size_t size) {
  std::string text(size, '\0');
  const ssize_t got = ::pread(file.get(), text.data(), text.size(), start);
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return text;
}

void cut(const Descriptor& file, off_t size, const std::string& path) {
  if (::ftruncate(file.get(), size) != 0) refuse("write", path);
}

// The last line may have been cut: the program was killed, or the disk full, while it was written. parallel
// would take its number for done, or its half command for one to run again.
void drop_cut_line(const Descriptor& file, off_t size, const std::string& path) {
  constexpr off_t kLongestLine = off_t{1} << 20;
  const off_t start = size - std::min(size, kLongestLine);
  const std::string tail = read_at(file, start, static_cast<std::size_t>(size - start));
  const std::size_t last_end = tail.rfind('\n');
  const std::size_t kept = last_end == std::string::npos ? 0 : last_end + 1;
  if (kept == tail.size() || (kept == 0 && start > 0)) return;
  cut(file, start + static_cast<off_t>(kept), path);
}

off_t size_of(const Descriptor& file) {
  struct stat status {};
  return ::fstat(file.get(), &status) == 0 ? status.st_size : 0;
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

Joblog::Joblog(const std::string& path) : path_(path) {
  // Non-blocking: a FIFO that nobody reads is an error, where opening it would wait for a reader.
  constexpr int kFlags = O_APPEND | O_NONBLOCK | O_CLOEXEC;
  struct stat status {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  const bool reads = !exists || S_ISREG(status.st_mode);
  file_.reset(::open(path.c_str(), (reads ? O_RDWR | O_CREAT : O_WRONLY) | kFlags, kMode));
  if (!file_) refuse("open", path);
  if (!exists) made_ = std::filesystem::canonical(path).string();  // where a link may lead
  if (!is_regular(file_)) return;
  if (!std::string_view(kHeader).starts_with(read_at(file_, 0, kMark))) {
    throw InputError(fmt::format("{} holds something else than a joblog; give --joblog another name", path));
  }
}

Joblog::~Joblog() {
  if (!made_.empty() && !output_) ::unlink(made_.c_str());
}

void Joblog::begin(bool append) {
  if (is_regular(file_)) append ? drop_cut_line(file_, size_of(file_), path_) : cut(file_, 0, path_);
  const bool empty = !is_regular(file_) || size_of(file_) == 0;
  output_.emplace(std::move(file_));
  if (empty) output_->write(kHeader);
}

void Joblog::add(const Outcome& outcome, std::string_view command) {
  output_->write(joblog_line(outcome, command));
}

}  // namespace parrun
