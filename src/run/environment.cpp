#include "run/environment.hpp"

#include <atomic>
#include <cstdlib>
#include <stdexcept>

#include "base/process_stat.hpp"

namespace parrun {
namespace {

// MPI is of the process, and so is this: a Pool's constructor and serve() are far from where it was made.
std::atomic<Environment::Impl*> living{nullptr};

void check_time() {
  constexpr std::size_t kThreads = 20;  // of /proc/PID/stat
  int initialized = 0;
  MPI_Initialized(&initialized);
  if (initialized != 0)
    throw std::logic_error("parrun::Environment comes too late: make it before MPI_Init, to fork before it");
  const auto self = ProcessStat::of_main_thread();
  if (self && self->number(kThreads) > 1)
    throw std::logic_error("parrun::Environment comes too late: make it before the first thread, to fork");
  if (living != nullptr) throw std::logic_error("there is a parrun::Environment in this process already");
}

// exit() destroys nothing that is on a stack. Without a word rank 0 would have died, for its zygote, and
// mpirun be ended, with all ranks that still work. A rank that ends within MPI has died, for mpirun too.
void leave_at_exit() {
  int initialized = 0;
  int finalized = 0;
  MPI_Initialized(&initialized);
  MPI_Finalized(&finalized);
  Environment::Impl* const environment = living;
  if (environment != nullptr && (initialized == 0 || finalized != 0)) environment->leave();
}

}  // namespace

Environment::Impl* Environment::Impl::current() { return living; }

void Environment::Impl::leave() noexcept {
  if (getpid() == process_) executors_.leave();  // a process that the code has forked may end before it
}

Environment::Environment(int /*argc*/, char** /*argv*/, const Options& options)
    : impl_((check_time(), std::make_unique<Impl>(options.local_workers))) {
  living = impl_.get();
  [[maybe_unused]] static const int registered = std::atexit(leave_at_exit);
}

Environment::~Environment() { living = nullptr; }

BorrowedExecutors::BorrowedExecutors() : from_(Environment::Impl::current()) {
  if (from_ == nullptr) return;
  if (from_->lent_)
    throw std::logic_error("this rank is in another pool: its executors serve one pool at a time");
  from_->lent_ = true;
}

BorrowedExecutors::~BorrowedExecutors() {
  if (from_ != nullptr) from_->lent_ = false;
}

std::vector<Executor*> BorrowedExecutors::all() const {
  return from_ != nullptr ? from_->executors_.all() : std::vector<Executor*>();
}

}  // namespace parrun
