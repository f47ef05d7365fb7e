#include "run/lent_rank.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/exit_code.hpp"
#include "base/limit.hpp"
#include "parrun/errors.hpp"
#include "run/pool_impl.hpp"
#include "wire/mpi_environment.hpp"

namespace parrun {
namespace {

constexpr int kComingSilences = 10;  // in multiples of lost_after, like a whole job's start

MPI_Comm checked(const Communicator& communicator) {
  int initialized = 0;
  MPI_Initialized(&initialized);
  if (initialized == 0)
    throw std::logic_error("a pool needs MPI, which is not initialised here (in a task there is none)");
  if (mpi_is_over()) throw std::logic_error("a pool needs MPI, which is finalised here");
  if (mpi_thread_level() < ThreadLevel::funneled) {
    throw std::logic_error(
        "a pool needs MPI_THREAD_FUNNELED: initialise MPI by MPI_Init_thread, with that or a level above");
  }
  int main_thread = 0;
  MPI_Is_thread_main(&main_thread);
  if (main_thread == 0)
    throw std::logic_error("a pool is for the thread that initialised MPI; tasks cannot have one");
  if (communicator.handle() == MPI_COMM_NULL)
    throw std::logic_error("a pool needs a communicator, and MPI_COMM_NULL is none");
  return communicator.handle();
}

// The ranks of a code that owns MPI, while a pool has them.
class LendingPool final : public Pool::Impl {
 public:
  LendingPool(std::unique_ptr<LentRank> rank, const PoolOptions& options)
      : Impl(rank->session(), options.isolation), rank_(std::move(rank)) {}
  LendingPool(const LendingPool&) = delete;
  LendingPool& operator=(const LendingPool&) = delete;
  ~LendingPool() override {
    abort_if_broken();
    send_home();
  }

 private:
  void send_home() noexcept try {
    session().dismiss(exit_code::kLimitReached);
  } catch (const std::exception& error) {
    end_job_for(error);
  }

  std::unique_ptr<LentRank> rank_;
};

void check_processes(LentRank& rank) {
  const Crew& crew = rank.session().crew();
  for (const Rank worker : crew.workers()) {
    if (crew.member(worker).processes) continue;
    throw std::logic_error(
        fmt::format("{} cannot give tasks a process: make a parrun::Environment before MPI_Init "
                    "on every rank (on a lone one with as many local_workers), or ask for Isolation::none",
                    crew.name(worker)));
  }
}

void gather(LentRank& rank, const PoolOptions& options) {
  Limits limits;
  limits.lost_after = lost_after_of(options);
  Session& session = rank.session();
  if (const auto expired = session.gather(limits, {}, std::max(options.local_workers, 1)))
    throw TimeoutError(expired->what, {});
  session.rest();
}

std::unique_ptr<Pool::Impl> lending_pool(const Communicator& communicator, const PoolOptions& options) {
  const Duration lost_after = lost_after_of(options);
  auto rank = std::make_unique<LentRank>(communicator, lost_after,
                                         Clock::now() + multiplied(lost_after, kComingSilences));
  if (rank->rank() != Rank(0))
    throw std::logic_error("a Pool is made on rank 0; the other ranks call parrun::serve()");
  try {
    gather(*rank, options);
    if (options.isolation == Isolation::process) check_processes(*rank);
  } catch (const TimeoutError&) {
    throw;  // not all are there to be sent home
  } catch (const std::exception&) {
    rank->session().dismiss(exit_code::kUsage);
    throw;
  }
  return std::make_unique<LendingPool>(std::move(rank), options);
}

}  // namespace

LentRank::LentRank(const Communicator& communicator, Duration lost_after, TimePoint come_by)
    : communicator_(checked(communicator)),
      watchdog_(TimePoint::max(), exit_code::kLimitReached),
      transport_(communicator_, come_by),
      session_(transport_, {.processes = executors_.all(),
                            .watchdog = watchdog_,
                            .start = Clock::now(),
                            .lost_after = lost_after}) {}

Pool::Pool(const Communicator& communicator, const PoolOptions& options)
    : Pool(lending_pool(communicator, options)) {}

// How long rank 0 is silent is its code's affair: it may be in its own work.
void serve(const Communicator& communicator) {
  LentRank rank(communicator, lost_after_of({}), TimePoint::max());
  if (rank.rank() == Rank(0)) throw std::logic_error("rank 0 makes a parrun::Pool; the other ranks serve()");
  rank.session().serve({});
}

}  // namespace parrun
