#include "exec/zygote_process.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/keep_memory.hpp"
#include "exec/inherited.hpp"
#include "exec/usage.hpp"

namespace parrun {
namespace {

constexpr Duration kKillLimit = std::chrono::seconds(10);
constexpr int kStoppedLooks = 3;
constexpr int kStoppedLook_ms = 5;

// `used` without what was used before; a task may have written over that.
double less(double used, double before) { return before > 0 ? std::max(0.0, used - before) : used; }

// A node that is short of processes or memory may have some again in a moment.
pid_t fork_patiently() {
  constexpr int kTries = 20;
  constexpr useconds_t kPause_us = 10'000;
  pid_t pid = fork();
  for (int i = 1; i < kTries && pid < 0; ++i) {
    usleep(kPause_us);
    pid = fork();
  }
  return pid;
}

bool has_ended(pid_t child) {
  siginfo_t info{};
  const int options = WEXITED | WNOHANG | WNOWAIT;
  return waitid(P_PID, static_cast<id_t>(child), &info, options) == 0 && info.si_pid == child;
}

}  // namespace

ZygoteProcess::ZygoteProcess(int socket, const Zygote::Plan& plan) : socket_(socket), plan_(plan) {
  sigemptyset(&child_signal_);
  sigaddset(&child_signal_, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_signal_, nullptr);
  signals_.reset(signalfd(-1, &child_signal_, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) throw std::system_error(errno, std::generic_category(), "signalfd");
  keep_memory(UsageMeter::kWorthTrimming);  // in the executors too
}

void ZygoteProcess::serve() {
  std::array<pollfd, 2> waits{pollfd{socket_, POLLIN, 0}, pollfd{signals_.get(), POLLIN, 0}};
  for (;;) {
    poll(waits.data(), waits.size(), next_look_ms());
    if (waits[1].revents != 0) on_child_signal();
    if (waits[0].revents != 0 && !on_request()) return;
    look_for_stop();
    look_at_limits();
  }
}

void ZygoteProcess::end() {
  released_ ? keep_orphans() : kept_.clear();
  end_all();
  if (plan_.note->has_scratch && !plan_.scratch->keep_failed()) plan_.scratch->remove(plan_.note->id());
  see_off_launcher();
}

void ZygoteProcess::give_up() {
  if (!released_) kept_.clear();
  try {
    end_all();
  } catch (...) {  // no memory for that either: what else there is to do is done
  }
  shutdown(socket_, SHUT_WR);
  ZygoteRequest request{};
  for (ssize_t got = 1; got > 0 || (got < 0 && errno == EINTR);) {  // until the rank is gone
    got = recv(socket_, &request, 1, 0);
    left_ = left_ || (got > 0 && request == ZygoteRequest::leave);
  }
  see_off_launcher();
}

// Behind a rank that left as it should that is done by another process: the rank waits for the end of this
// one.
void ZygoteProcess::see_off_launcher() const {
  if (plan_.mpirun == nullptr) return;
  if (!left_) return plan_.mpirun->see_off();
  if (!plan_.mpirun->has_deadline() || fork() != 0) return;
  plan_.mpirun->see_off_behind_deadline();
  _exit(0);
}

bool ZygoteProcess::on_request() {
  ZygoteRequest request{};
  const ssize_t got = recv(socket_, &request, 1, MSG_DONTWAIT);
  if (got == 0) return false;  // the rank is gone
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  switch (request) {
    case ZygoteRequest::spawn:
      spawn();
      break;
    case ZygoteRequest::kill:
      kill_all();
      break;
    case ZygoteRequest::watch_limits:
      limits_.emplace(*plan_.note);
      break;
    case ZygoteRequest::release_kept:
      released_ = true;
      break;
    case ZygoteRequest::leave:
      left_ = true;
  }
  return true;
}

void ZygoteProcess::on_child_signal() {
  signalfd_siginfo info{};
  while (read(signals_.get(), &info, sizeof info) > 0) {
  }
  if (living_ > 0 && is_stopped()) stopped_looks_ = std::max(stopped_looks_, 1);
  while (!died_ && reap_some([this](const Reaped& reaped) { note(reaped); }).value_or(0) > 0) {
  }
  if (!died_) return;
  if (plan_.keep_children && died_->wait_status == 0) kept_ = children();
  kill_all();  // what the dead executor left to us
}

// A cluster that suspends a job stops all of it within moments, us too: what is still stopped after some
// looks stopped itself, and nobody will continue it.
bool ZygoteProcess::is_stopped() {
  siginfo_t info{};
  const int options = WSTOPPED | WNOHANG | WNOWAIT;
  if (waitid(P_PID, static_cast<id_t>(living_), &info, options) != 0 || info.si_pid != living_) return false;
  stopped_by_ = info.si_status;
  return true;
}

void ZygoteProcess::look_for_stop() {
  if (living_ == 0 || stopped_looks_ == 0) return;
  stopped_looks_ = is_stopped() ? stopped_looks_ + 1 : 0;
  if (stopped_looks_ <= kStoppedLooks) return;
  sentence_.wait_status = stopped_by_ << 8 | 0x7f;  // as WIFSTOPPED reads it
  kill_all();
}

void ZygoteProcess::look_at_limits() {
  if (living_ == 0 || !limits_) return;
  const auto excess = limits_->look(living_, Clock::now());
  if (!excess) return;
  sentence_.exceeded = excess->limit;
  sentence_.exceeded_by = excess->attempt;
  kill_all();
}

int ZygoteProcess::next_look_ms() const {
  if (living_ > 0 && stopped_looks_ > 0) return kStoppedLook_ms;
  if (living_ == 0 || !limits_) return -1;
  return 1 + static_cast<int>(limits_->until_next_look(Clock::now()) / std::chrono::milliseconds(1));
}

void ZygoteProcess::end_all() {
  end_descendants(
      kKillLimit, [this](const Reaped& reaped) { note(reaped); }, kept_);
}

void ZygoteProcess::kill_all() {
  keep_orphans();
  end_all();
  report_death();
}

// What a process that was kept leaves comes to us, and is kept too. An executor adopts for itself: as long as
// it lives all our other children are kept ones'. What one that has died left cannot be told from them.
void ZygoteProcess::keep_orphans() {
  if (!plan_.keep_children || died_) return;
  std::vector<pid_t> kept = children();
  if (living_ > 0 && has_ended(living_)) return;
  std::erase(kept, living_);
  kept_ = std::move(kept);
}

void ZygoteProcess::note(const Reaped& reaped) {
  if (std::erase(kept_, reaped.pid) > 0) return keep_orphans();
  used_.user_s += user_seconds(reaped.usage);
  used_.system_s += system_seconds(reaped.usage);
  const bool is_executor = reaped.pid == living_;
  // An executor's peak may be that of a child it waited for in an earlier attempt.
  const std::int64_t peak_kb = reaped.usage.ru_maxrss;
  const bool of_now = !is_executor || peak_kb > plan_.note->children_peak_kb;
  used_.max_rss_kb = std::max(used_.max_rss_kb, of_now ? peak_kb : std::int64_t{plan_.note->resident_kb});
  if (!is_executor) return;
  living_ = 0;
  died_ = Death{.wait_status = reaped.status};
}

void ZygoteProcess::report_death() {
  if (!died_) return;
  if (sentence_.wait_status != 0) died_->wait_status = sentence_.wait_status;
  died_->exceeded = sentence_.exceeded;
  died_->exceeded_by = sentence_.exceeded_by;
  died_->user_s = less(used_.user_s, plan_.note->user_s);
  died_->system_s = less(used_.system_s, plan_.note->system_s);
  died_->max_rss_kb = used_.max_rss_kb;
  send(socket_, &*died_, sizeof *died_, MSG_NOSIGNAL);
  died_.reset();
}

void ZygoteProcess::spawn() {
  const pid_t zygote = getpid();
  stopped_looks_ = 0;
  sentence_ = {};
  used_ = {};
  living_ = fork_patiently();
  if (living_ < 0) {
    died_ = Death{.spawn_error = errno};
    living_ = 0;
    return report_death();
  }
  if (living_ == 0) become_executor(zygote);
}

void ZygoteProcess::become_executor(pid_t zygote) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != zygote) _exit(1);  // it died before the line above
  prctl(PR_SET_NAME, "parrun-exec");
  close(socket_);
  if (plan_.mpirun != nullptr) close(plan_.mpirun->descriptor());
  signals_.reset();
  setsid();
  adopt_orphans();
  heed_ignored_signals();
  sigprocmask(SIG_UNBLOCK, &child_signal_, nullptr);
  try {
    plan_.executor();
  } catch (...) {  // no memory for a task or its outcome: to the worker a crash like any other
    _exit(1);
  }
  _exit(0);
}

}  // namespace parrun
