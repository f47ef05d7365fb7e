#pragma once
#include "run/environment.hpp"
#include "run/session.hpp"
#include "run/watchdog.hpp"

namespace parrun {

// A rank that a code which owns MPI lends to a pool: what a session stands on there.
class LentRank {
 public:
  /// Collective over the communicator. Throws std::logic_error where MPI cannot be used from here,
  /// TimeoutError where not all ranks have come by `come_by`.
  LentRank(const Communicator& communicator, Duration lost_after, TimePoint come_by);

  Session& session() { return session_; }
  Rank rank() const { return transport_.rank(); }

 private:
  MPI_Comm communicator_;  ///< the code's own
  BorrowedExecutors executors_;
  Watchdog watchdog_;
  MpiTransport transport_;
  Session session_;
};

}  // namespace parrun
