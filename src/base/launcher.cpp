#include "base/launcher.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "base/process_stat.hpp"

namespace parrun {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"mpirun", "mpiexec", "orterun", "prterun"};

// A script or a debugger may stand between the two.
pid_t mpirun_above() {
  constexpr int kMostBetween = 4;
  pid_t pid = getppid();
  for (int i = 0; i <= kMostBetween && pid > 1; ++i) {
    const std::optional<ProcessStat> process = ProcessStat::of(pid);
    if (!process) return 0;
    if (std::find(kNames.begin(), kNames.end(), process->name()) != kNames.end()) return pid;
    pid = process->parent();
  }
  return 0;
}

std::optional<int> told_rank() {
  // mpirun and srun with pmix set the first; SLURM_PROCID is not asked: under mpirun it is another program's.
  for (const char* name : {"PMIX_RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK"}) {
    if (const char* rank = std::getenv(name)) return std::atoi(rank);
  }
  return std::nullopt;
}

}  // namespace

int launcher_rank() { return told_rank().value_or(0); }

bool is_surely_rank_0() { return told_rank() == 0; }

bool started_by_mpirun() { return std::getenv("OMPI_COMM_WORLD_RANK") != nullptr; }

Mpirun Mpirun::of_rank_0(std::optional<TimePoint> deadline) {
  // Without the variable an mpirun further up is another job's: this is a task of it.
  const pid_t pid = started_by_mpirun() && launcher_rank() == 0 ? mpirun_above() : 0;
  if (pid == 0) return {};
  // A script between the two may have more to do when this process has ended.
  if (pid != getppid()) deadline.reset();
  return Mpirun(Descriptor(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))), kEndLimit, deadline);
}

void Mpirun::see_off() const {
  if (process_) end_by(Clock::now() + end_limit_);
}

void Mpirun::see_off_behind_deadline() const { end_by(std::max(Clock::now(), *deadline_) + end_limit_); }

void Mpirun::end_by(TimePoint give_up) const {
  constexpr Duration kLongestPoll = std::chrono::hours(1);
  pollfd ended{process_.get(), POLLIN, 0};
  // A pause of this process, which was stopped and continued, interrupts poll(2).
  for (TimePoint now = Clock::now(); now < give_up; now = Clock::now()) {
    const Duration left = std::min<Duration>(give_up - now, kLongestPoll);
    if (poll(&ended, 1, static_cast<int>(left / std::chrono::milliseconds(1)) + 1) > 0) return;
  }
  syscall(SYS_pidfd_send_signal, process_.get(), SIGKILL, nullptr, 0);
}

}  // namespace parrun
