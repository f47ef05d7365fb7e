#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "parrun/pool.hpp"
#include "run/session.hpp"
#include "run/sharing.hpp"

namespace parrun {

class Submissions;

/// How long a rank may be silent: at least as the options say that it is.
Duration lost_after_of(const PoolOptions& options);

// What a pool's calls have in common: the ranks, the isolation, and that there is one call at a time.
class Pool::Impl {
 public:
  Impl(Session& session, Isolation isolation);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  virtual ~Impl();

  Session& session() { return session_; }
  Isolation isolation() const { return isolation_; }
  /// Throws std::logic_error on another thread than the pool's: a task on a thread of this rank, for one.
  void check_thread() const;
  /// The message that begins the next call, and its limits are in force. Throws std::logic_error where there
  /// can be none.
  Begin begin_call(const CallOptions& options);
  /// The call is over. `why_broken`: a task could not be ended; nothing can run here any more.
  void end_call(const std::string& why_broken);

  /// Those that are open, or new ones.
  Submissions& submissions();
  /// Another call is to begin: waits until all of them have ended, no longer than `deadline`.
  void close_submissions(std::optional<Duration> deadline);

  /// Turns the loop until every node has the value. Throws std::runtime_error where one cannot have it,
  /// TimeoutError where a limit passes.
  detail::SharedCopy share(BytesView value);

  /// A task is stuck on a thread of its rank: only the end of the rank ends it, so the job is to be aborted.
  void abort_if_broken();

 private:
  void check_usable() const;

  Session& session_;
  Isolation isolation_;
  std::thread::id thread_ = std::this_thread::get_id();
  std::uint32_t epoch_ = 0;
  bool in_call_ = false;
  std::string why_broken_;
  std::unique_ptr<Submissions> submissions_;
  std::shared_ptr<Sharing> sharing_;  ///< once a value was shared
};

}  // namespace parrun
