#include "run/session.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <thread>
#include <utility>

#include "base/exit_code.hpp"
#include "base/host.hpp"
#include "base/launcher.hpp"
#include "base/limit.hpp"
#include "base/stderr.hpp"
#include "exec/registry.hpp"
#include "parrun/errors.hpp"
#include "wire/mpi_environment.hpp"

namespace parrun {
namespace {

// Of rank 0 at the end of the job, in multiples of --lost-after: it collects everyone's farewell before its
// own.
constexpr int kFarewellSilences = 3;

// Between a signal and the end of a worker whose rank 0 does not speak any more, at least: heartbeats come
// every third of --lost-after.
constexpr Duration kOrphaned = std::chrono::seconds(10);

// `worker`: what may end the wait, or null.
void wait(Duration span, Worker* worker) {
  if (span == Duration::zero()) {
    sched_yield();
  } else if (worker != nullptr) {
    worker->await(span);
  } else {
    std::this_thread::sleep_for(span);
  }
}

}  // namespace

Hello Session::hello(const std::string& problem, bool processes) const {
  return {.host = host_name(),
          .pid = getpid(),
          .problem = problem.empty() ? registry_problem() : problem,
          .functions = registry_fingerprint(),
          .processes = processes,
          .node = node_identity()};
}

void Session::serve(const std::string& problem) {
  Executor* const processes = process(0);
  Worker worker(transport_, processes);
  rest();  // of the watchdog: MPI is there
  worker.greet(hello(problem, processes != nullptr));
  std::optional<EndingSignals::Heard> first;
  while (!worker.finished()) {
    if (const auto heard = ground_.signals != nullptr ? ground_.signals->take() : std::nullopt) {
      worker.tell({heard->number, Clock::now() - heard->at});
      if (!first) first = heard;
    }
    // Rank 0 lets what runs come to its end, and says what is to be done; if it does not, it is no more.
    if (first && worker.forsaken(first->at, std::max(kOrphaned, ground_.lost_after), Clock::now()))
      _exit(exit_code::kSignal + first->number);
    if (worker.orphaned(Clock::now())) end_orphaned();
    if (worker.turn(Clock::now())) {
      backoff_.on_work();
    } else {
      const Duration pause = backoff_.next();
      const bool rests = worker.supplied() || (worker.occupied() && pause > Duration::zero());
      wait(rests ? Backoff::kLongest : pause, &worker);
    }
  }
  // MPI_Finalize waits for all ranks. Rank 0 ends the job where one does not come, but may be cut off from
  // here.
  arm_watchdog(Clock::now() + multiplied(ground_.lost_after, kFarewellSilences), exit_code::kLimitReached);
}

// The executors end with the rank. One rank speaks for all; where it is cut off nobody hears it.
void Session::end_orphaned() const {
  if (transport_.rank() == Rank(1)) {
    print_to_stderr("parrun: rank 1 ({}): rank 0 does not speak any more; the workers end\n", host_name());
  }
  _exit(exit_code::kLimitReached);
}

std::optional<Expiry> Session::gather(const Limits& limits, const std::string& problem, int local_workers) {
  Transport* transport = &transport_;
  if (transport_.ranks() == 1) {
    loopback_ = std::make_unique<Loopback>(local_workers);
    transport = &loopback_->dispatcher();
    for (int i = 0; i < local_workers; ++i) {
      Executor* const processes = process(static_cast<std::size_t>(i));
      local_.emplace_back(loopback_->worker(i), processes).greet(hello(problem, processes != nullptr));
    }
  }
  crew_ = std::make_unique<Crew>(*transport, limits, ground_.start, registry_fingerprint());
  if (const std::string own = hello(problem, true).problem; !own.empty()) throw InputError(own);
  std::optional<Expiry> expired;
  while (!crew_->gathered() && !crew_->mismatch() && !expired) {
    turn([&](TimePoint now) {
      const bool news = crew_->receive(now).has_value();
      crew_->take_failed();
      expired = crew_->expired(now);
      return news;
    });
  }
  if (crew_->mismatch()) throw InputError(*crew_->mismatch());
  return expired;
}

void Session::turn(const std::function<bool(TimePoint)>& step, Idle idle) {
  const TimePoint now = Clock::now();
  crew_->watch().on_turn(now);
  rearm_watchdog(now);
  hear_signals();
  heed_signal();
  if (crew_->gathered() && !leaving_) crew_->send_heartbeats(now);
  bool busy = false;
  not_awaited_for_ = {};
  for (Worker& worker : local_) busy = worker.turn(now) || busy;
  busy = step(now) || busy;
  if (const auto trouble = crew_->take_trouble()) throw std::runtime_error(*trouble);
  if (busy) {
    backoff_.on_work();
  } else if (idle == Idle::wait) {
    const Duration span = std::max(backoff_.next(), std::min<Duration>(not_awaited_for_, Worker::kCollect));
    wait(span, local_.size() == 1 ? &local_.front() : nullptr);
  }
}

void Session::hear_signals() {
  if (ground_.signals == nullptr) return;
  if (const auto heard = ground_.signals->take()) rule_.on_signal(heard->number, heard->at);
  for (const auto& [number, at] : crew_->take_heard()) rule_.on_signal(number, at);
}

void Session::heed_signal() {
  const int number = rule_.number();
  if (number == 0) return;
  const std::vector<Rank> dead = crew_->dead_here();  // then the launcher is about to end us all
  if (graceful_ && !rule_.again() && dead.empty()) return;
  std::string what =
      fmt::format("SIG{}{} ends the run", sigabbrev_np(number), rule_.again() ? ", again," : "");
  const char* separator = "; ";
  for (const Rank rank : dead) {
    what += fmt::format("{}{} has died", std::exchange(separator, ", "), crew_->name(rank));
  }
  crew_->end_for(Expiry{.kind = Expiry::Kind::signal, .rank = {}, .what = what, .signal = number});
}

// The loop turns: the watchdog is to expect the next turn before the next limit.
void Session::rearm_watchdog(TimePoint now) {
  constexpr Duration kSetEvery = std::chrono::milliseconds(50);
  if (now < watchdog_set_ + kSetEvery) return;
  watchdog_set_ = now;
  arm_watchdog(leaving_ ? now : std::max(now, crew_->watch().next_limit()), exit_code_);
}

bool Session::turn_until(TimePoint limit, const std::function<bool()>& done,
                         const std::function<bool(TimePoint)>& step) {
  while (!done()) {
    if (Clock::now() >= limit) return false;
    turn(step);
  }
  return true;
}

void Session::dismiss(int exit_code) {
  if (!crew_) return;
  leaving_ = true;
  exit_code_ = exit_code;
  crew_->broadcast(Bye{});
  std::optional<Expiry> expired;
  while (!crew_->dismissed() && !expired) {
    turn([&](TimePoint now) {
      const bool news = crew_->receive(now).has_value();
      crew_->take_failed();
      expired = crew_->expired(now);
      return news;
    });
  }
  if (expired) {
    print_to_stderr("parrun: {} at the end of the run; it is aborted\n", expired->what);
    drain_output();
    abort_job(exit_code);
  }
  // MPI_Finalize waits for ranks that may have stopped since.
  arm_watchdog(Clock::now() + crew_->watch().limits().lost_after, exit_code);
}

void end_job_for(const std::exception& error) {
  print_to_stderr("parrun: rank {}: {}\n", launcher_rank(), error.what());
  drain_output();
  abort_job(exit_code::kInternalError);
}

void drain_output() {
  constexpr Duration kLimit = std::chrono::milliseconds(100);
  std::fflush(stdout);
  std::fflush(stderr);
  const TimePoint end = Clock::now() + kLimit;
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    int unread = 0;
    while (Clock::now() < end && ioctl(fd, FIONREAD, &unread) == 0 && unread > 0 && isatty(fd) == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

}  // namespace parrun
