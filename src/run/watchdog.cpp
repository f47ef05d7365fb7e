#include "run/watchdog.hpp"

#include <poll.h>
#include <unistd.h>

#include <string_view>

#include "base/launcher.hpp"
#include "base/process_stat.hpp"
#include "wire/mpi_environment.hpp"

namespace parrun {
namespace {

constexpr auto kWatchEvery = std::chrono::milliseconds(50);
constexpr auto kAbortLimit = std::chrono::seconds(2);

// Where a node is overloaded the loop may be on its way to its next turn and not get there: it is not stuck.
bool main_thread_wants_to_run() {
  const std::optional<ProcessStat> main_thread = ProcessStat::of_main_thread();
  return main_thread && main_thread->state() == 'R';
}

// One short line, only if that cannot block: stderr may be the pipe that is stuck.
void say(std::string_view line) {
  pollfd wait{STDERR_FILENO, POLLOUT, 0};
  if (poll(&wait, 1, 0) == 1 && (wait.revents & POLLOUT) != 0) {
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
  }
}

}  // namespace

Watchdog::Watchdog(TimePoint limit, int exit_code)
    : limit_(limit), exit_code_(exit_code), thread_([this] { watch(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Watchdog::set(TimePoint limit, int exit_code) {
  const std::lock_guard lock(mutex_);
  limit_ = limit;
  exit_code_ = exit_code;
}

void Watchdog::watch() {
  std::unique_lock lock(mutex_);
  while (!over_) {
    const TimePoint now = Clock::now();
    const bool late = limit_ != TimePoint::max() && now > limit_ + kGrace;
    if (late && (now > limit_ + kStarvedGrace || !main_thread_wants_to_run())) end_job(exit_code_);
    changed_.wait_for(lock, kWatchEvery);
  }
}

// MPI_Abort may itself hang, for the main thread may be stuck inside MPI: it gets a thread of its own and a
// limit. A pool's job allows no second thread in MPI (MPI_THREAD_FUNNELED); this is its last call, and
// _exit() follows whatever becomes of it.
void Watchdog::end_job(int exit_code) {
  if (launcher_rank() == 0) {
    say("parrun: rank 0 was stuck past a limit (a file system or a pipe that does not answer?); ending the "
        "job\n");
  }
  std::thread([exit_code] { abort_job(exit_code); }).detach();
  std::this_thread::sleep_for(kAbortLimit);
  _exit(exit_code);
}

}  // namespace parrun
