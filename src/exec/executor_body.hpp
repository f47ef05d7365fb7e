#pragma once
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "exec/attempt.hpp"
#include "exec/capture.hpp"
#include "exec/channel.hpp"
#include "exec/handover.hpp"
#include "exec/share_table.hpp"
#include "exec/shared_memory.hpp"
#include "exec/zygote.hpp"

namespace parrun {

// What executes tasks for a worker: a process of its own, or a thread of the rank.
class ExecutorBody {
 public:
  explicit ExecutorBody(std::shared_ptr<ShareTable> shares = std::make_shared<ShareTable>())
      : shares_(std::move(shares)) {}
  ExecutorBody(const ExecutorBody&) = delete;
  ExecutorBody& operator=(const ExecutorBody&) = delete;
  virtual ~ExecutorBody() = default;

  /// Where its tasks find shared values: there before its processes are forked.
  const std::shared_ptr<ShareTable>& shares() const { return shares_; }

  virtual Channel& channel() = 0;
  /// Where its outcomes with large values are, and none of them in the channel: it is a thread of this
  /// process, and orders are lent to it. Null: it is another process.
  virtual Handover* large_outcomes() { return nullptr; }
  /// Begins to serve a fresh channel(). REQUIRES: none lives.
  virtual void start() = 0;
  /// Tells once that it has ended, with all its descendants.
  virtual std::optional<Death> poll_death() = 0;
  /// Ends it with all its descendants; poll_death() tells when. False: that is not possible.
  virtual bool kill() = 0;
  /// What a task that died under its executor had written.
  virtual Capture::Text take_output(std::optional<std::uint64_t> limit) = 0;
  /// Bounds the memory of what the executing task has written.
  virtual void trim_output(std::uint64_t /*limit*/) {}
  /// From now on attempts may have limits of memory or CPU time.
  virtual void watch_limits() {}
  /// There is more of the last attempt than memory: while nothing executes, that is being removed.
  virtual bool has_leftovers() const { return false; }
  /// The folder of a failed attempt that is kept, or empty.
  virtual std::string kept_folder(const Assignment& /*attempt*/) const { return {}; }
  /// The run ended well.
  virtual void part() {}
  /// No more is asked of it. False: what it executes cannot be ended, and goes on in this process.
  virtual bool end() { return true; }

 private:
  std::shared_ptr<ShareTable> shares_;
};

/// Forks the zygote. REQUIRES: one thread, before MPI_Init.
class ProcessBody final : public ExecutorBody {
 public:
  explicit ProcessBody(const ExecutorSettings& settings = {}, Mpirun mpirun = {});

  Channel& channel() override { return *channel_; }
  void start() override;
  std::optional<Death> poll_death() override { return zygote_.poll_death(); }
  bool kill() override;
  Capture::Text take_output(std::optional<std::uint64_t> limit) override { return capture_.take(limit); }
  void trim_output(std::uint64_t limit) override { capture_.trim(limit); }
  void watch_limits() override;
  bool has_leftovers() const override { return note_->has_scratch; }
  std::string kept_folder(const Assignment& attempt) const override;
  void part() override { zygote_.release_kept(); }
  /// The rank ends as it should.
  void leave() noexcept { zygote_.leave(); }
  /// It does, and without this: all that runs here begins to end. Nothing more may be asked.
  void dismiss() noexcept { zygote_.dismiss(); }

 private:
  Zygote::Plan plan();

  ExecutorSettings settings_;
  Mpirun mpirun_;
  Scratch scratch_;
  SharedMemory channel_memory_{sizeof(Channel)};
  SharedMemory note_memory_{sizeof(AttemptNote)};
  Channel* channel_;
  AttemptNote* note_;
  Capture capture_;
  Zygote zygote_;
  bool limits_watched_ = false;
};

class ThreadBody final : public ExecutorBody {
 public:
  /// `shares`: those of the other body of its worker.
  explicit ThreadBody(std::shared_ptr<ShareTable> shares = std::make_shared<ShareTable>())
      : ExecutorBody(std::move(shares)) {}
  ~ThreadBody() override { ThreadBody::end(); }

  Channel& channel() override { return passage_->channel; }
  Handover* large_outcomes() override { return &passage_->large_outcomes; }
  void start() override;
  std::optional<Death> poll_death() override { return std::nullopt; }
  bool kill() override { return false; }
  Capture::Text take_output(std::optional<std::uint64_t> /*limit*/) override { return {}; }
  bool end() override;

 private:
  struct Passage {
    Channel channel;
    Handover large_outcomes;
  };
  std::shared_ptr<Passage> passage_;  ///< the thread's too: it may outlive this object, stuck in a task
  std::thread thread_;
  std::shared_ptr<std::atomic<bool>> ended_;
};

}  // namespace parrun
