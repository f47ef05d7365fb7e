#pragma once
// Tasks that are submitted one by one, each with a future. All that follow one another are one call of the
// pool, which begins with the first of them and goes on until the pool is wanted for another call.

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "run/pool_call.hpp"

namespace parrun {

class Submissions final : private TaskSource {
 public:
  explicit Submissions(Pool::Impl& pool) : pool_(pool) {}
  Submissions(const Submissions&) = delete;
  Submissions& operator=(const Submissions&) = delete;
  /// What has not ended is cancelled.
  ~Submissions() override;

  /// Gives the task out, and returns. Throws InputError where a limit of it cannot be right, std::logic_error
  /// where the pool can begin no call.
  std::shared_ptr<detail::Submission> submit(const detail::CallFields& fields);

  /// Waits until all have ended, so that another call may begin. Throws TimeoutError where they have not by
  /// `limit`.
  void close(TimePoint limit);

 private:
  class Entry;

  std::uint64_t pull(std::uint64_t wanted) override;
  bool exhausted() const override { return closing_; }
  BytesView payload(TaskId task) override;

  void open();
  enum class Fresh { give_out, hold };  ///< tasks that no worker has yet
  void turn(Session::Idle idle, Fresh fresh = Fresh::give_out);
  bool wait(const std::function<bool()>& enough, detail::Submission::Until until,
            Fresh fresh = Fresh::give_out);
  bool cancel(Entry& entry);
  void settle(Outcome outcome);
  void settle_all_cancelled() noexcept;

  Pool::Impl& pool_;
  std::uint64_t submitted_ = 0;
  std::uint64_t known_ = 0;  ///< to the dispatcher
  std::unordered_map<TaskId, std::shared_ptr<Entry>> open_;
  bool closing_ = false;
  std::optional<PoolCall> call_;
};

}  // namespace parrun
