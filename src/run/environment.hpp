#pragma once
#include <unistd.h>

#include <vector>

#include "exec/local_executors.hpp"
#include "parrun/mpi.hpp"

namespace parrun {

// The executor processes that a code's Environment has forked, lent to one pool or serve() at a time.
class Environment::Impl {
 public:
  explicit Impl(int local_workers) : executors_(local_workers, {}, Mpirun::of_rank_0()) {}

  /// Of this process, or null.
  static Impl* current();

  /// The code ends as it should. REQUIRES: it does not go on.
  void leave() noexcept;

 private:
  friend class BorrowedExecutors;
  const pid_t process_ = getpid();
  LocalExecutors executors_;
  bool lent_ = false;
};

// What of them a pool or serve() has; none where there is no Environment.
class BorrowedExecutors {
 public:
  /// Throws std::logic_error where another one has them.
  BorrowedExecutors();
  BorrowedExecutors(const BorrowedExecutors&) = delete;
  BorrowedExecutors& operator=(const BorrowedExecutors&) = delete;
  ~BorrowedExecutors();

  std::vector<Executor*> all() const;

 private:
  Environment::Impl* from_;
};

}  // namespace parrun
