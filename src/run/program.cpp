#include "run/program.hpp"

#include <sys/prctl.h>

#include <algorithm>

#include "base/exit_code.hpp"
#include "base/keep_memory.hpp"
#include "base/launcher.hpp"
#include "base/limit.hpp"

namespace parrun {
namespace {

// For messages, which may be large.
constexpr std::size_t kKeptMemory = std::size_t{256} << 20;

std::optional<TimePoint> deadline_of(const Program::Options& options) {
  return options.deadline ? std::optional(options.start + *options.deadline) : std::nullopt;
}

// A short sleep is to be short: by default the kernel may add 50 us to each.
void sleep_precisely() { prctl(PR_SET_TIMERSLACK, 1UL); }

}  // namespace

// MPI_Init waits for every rank, and has no limit of its own. Rank 0 speaks for all: the others end
// themselves only where they are cut off from it.
TimePoint Program::start_up_limit(const Options& options) {
  constexpr int kStartUpSilences = 10;  // by default 5 minutes: thousands of ranks take a while to start
  const Duration silences = multiplied(options.lost_after, kStartUpSilences);
  if (launcher_rank() != 0) return options.start + multiplied(silences, 2);
  return options.start + std::min(options.deadline.value_or(kLongestLimit), silences);
}

MpiEnvironment Program::start_mpi(const Options& options) {
  options.beside_mpi();
  return {};
}

Program::Program(const Options& options)
    : signals_(options.signals_end_the_run ? std::make_optional<EndingSignals>() : std::nullopt),
      executors_(options.local_executors, options.executors, Mpirun::of_rank_0(deadline_of(options))),
      watchdog_(start_up_limit(options), exit_code::kLimitReached),
      mpi_(start_mpi(options)),
      transport_(MPI_COMM_WORLD),
      session_(transport_, {.processes = executors_.all(),
                            .watchdog = watchdog_,
                            .signals = signals_ ? &*signals_ : nullptr,
                            .start = options.start,
                            .lost_after = options.lost_after}) {
  keep_memory(kKeptMemory);  // behind the fork of the zygotes: a task's memory is its own
  ask_for_huge_pages();
  sleep_precisely();
}

}  // namespace parrun
