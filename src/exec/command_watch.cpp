#include "exec/command_watch.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/clock.hpp"
#include "exec/process_tree.hpp"

namespace parrun {

void Copy::copy_available() {
  constexpr int kReads = 16;  // of 64 KiB: the largest pipe that users may make
  std::array<char, 65536>
      buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
  for (int i = 0; open() && i < kReads; ++i) {
    const ssize_t got = read(from_.get(), buffer.data(), buffer.size());
    if (got == 0) from_.reset();  // the end of the stream
    if (got < 0 && errno != EINTR) return;
    if (got > 0) keep(buffer.data(), static_cast<std::uint64_t>(got));
  }
}

void Copy::keep(const char* bytes, std::uint64_t size) {
  const std::uint64_t kept = std::min(size, left_);
  left_ -= kept;
  for (std::uint64_t done = 0; done < kept;) {
    const ssize_t step = write(to_, bytes + done, kept - done);
    if (step < 0 && errno != EINTR) return;  // memory is full: the command runs on, its output is cut
    done += static_cast<std::uint64_t>(std::max<ssize_t>(step, 0));
  }
}

namespace {

// Asks for the child's end, and ends a child that stays stopped: a job that its cluster suspends is stopped
// as a whole, so it is not its own stop if it is over when we look again. Its orphans, which are ours, are
// reaped as they end: a command may leave more of them than there may be processes.
class Ending {
 public:
  explicit Ending(pid_t child) : child_(child) {}

  /// waitpid's status, once it has ended, or has been ended for having stopped.
  std::optional<int> ask(rusage& usage) {
    if (const std::optional<int> status = reap(usage)) return stopped_status_.value_or(*status);
    siginfo_t info{};
    const bool stops = waitid(P_PID, static_cast<id_t>(child_), &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
                       info.si_pid == child_;
    looks_ = stops ? looks_ + 1 : 0;
    if (looks_ > kLooks && !stopped_status_) {
      stopped_status_ = info.si_status << 8 | 0x7f;  // as WIFSTOPPED reads it
      kill(-child_, SIGKILL);
      kill(child_, SIGKILL);  // it may have left its group
    }
    return std::nullopt;
  }

 private:
  static constexpr int kLooks = 2;

  // The child's status, if it is among them. Its peak memory is the largest of all.
  std::optional<int> reap(rusage& usage) {
    std::optional<int> status;
    reap_some([&](const Reaped& one) {
      peak_kb_ = std::max(peak_kb_, one.usage.ru_maxrss);
      if (one.pid != child_) return;
      status = one.status;
      usage = one.usage;
    });
    if (status) usage.ru_maxrss = peak_kb_;
    return status;
  }

  pid_t child_;
  int looks_ = 0;
  long peak_kb_ = 0;
  std::optional<int> stopped_status_;
};

}  // namespace

int copy_until_end(pid_t child, std::array<Copy, 2>& streams, rusage& usage) {
  // A stop, and without pidfd_open (Linux before 5.3) the end, is noticed by asking.
  constexpr int kAskEvery_ms = 5;
  constexpr int kLookForStops_ms = 50;
  const Descriptor end(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  const int ask_every_ms = end ? kLookForStops_ms : kAskEvery_ms;
  Ending ending(child);
  TimePoint asked = Clock::now();
  for (;;) {
    std::array<pollfd, 3> waits{streams[0].wait(), streams[1].wait(), pollfd{end.get(), POLLIN, 0}};
    const int news = poll(waits.data(), waits.size(), ask_every_ms);
    // By the clock too: a descendant that never stops writing leaves no poll without news.
    const TimePoint now = Clock::now();
    const bool due = news == 0 || now >= asked + std::chrono::milliseconds(ask_every_ms);
    const bool worth_asking = due || waits[2].revents != 0;
    if (worth_asking) asked = now;
    const std::optional<int> status = worth_asking ? ending.ask(usage) : std::nullopt;
    for (Copy& stream : streams) stream.copy_available();
    if (status) return *status;
  }
}

}  // namespace parrun
