#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "exec/capture.hpp"
#include "exec/channel.hpp"
#include "exec/shared_memory.hpp"
#include "exec/zygote.hpp"

namespace parrun {

// What executes tasks for a worker: a process of its own, or a thread of the rank.
class ExecutorBody {
 public:
  virtual ~ExecutorBody() = default;

  virtual Channel& channel() = 0;
  /// Begins to serve a fresh channel(). REQUIRES: none lives.
  virtual void start() = 0;
  /// Tells once that it has ended, with all its descendants.
  virtual std::optional<Death> poll_death() = 0;
  /// Ends it with all its descendants; poll_death() tells when. False: that is not possible.
  virtual bool kill() = 0;
  /// What a task that died under its executor had written.
  virtual Capture::Text take_output() = 0;
};

/// Forks the zygote. REQUIRES: one thread, before MPI_Init.
class ProcessBody final : public ExecutorBody {
 public:
  ProcessBody();

  Channel& channel() override { return *channel_; }
  void start() override;
  std::optional<Death> poll_death() override { return zygote_.poll_death(); }
  bool kill() override;
  Capture::Text take_output() override { return capture_.take(); }

 private:
  SharedMemory memory_{sizeof(Channel)};
  Channel* channel_;
  Capture capture_;
  Zygote zygote_;
};

class ThreadBody final : public ExecutorBody {
 public:
  ThreadBody() = default;
  ThreadBody(const ThreadBody&) = delete;
  ThreadBody& operator=(const ThreadBody&) = delete;
  ~ThreadBody() override;

  Channel& channel() override { return *channel_; }
  void start() override;
  std::optional<Death> poll_death() override { return std::nullopt; }
  bool kill() override { return false; }
  Capture::Text take_output() override { return {}; }

 private:
  std::shared_ptr<Channel> channel_;  ///< the thread's too: it may outlive this object, stuck in a task
  std::thread thread_;
  std::shared_ptr<std::atomic<bool>> ended_;
};

}  // namespace parrun
