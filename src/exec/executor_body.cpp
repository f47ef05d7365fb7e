#include "exec/executor_body.hpp"

#include <new>

#include "exec/serve.hpp"

namespace parrun {

ProcessBody::ProcessBody()
    : channel_(new (memory_.data()) Channel),
      zygote_(
          [this] {
            capture_.redirect_here();
            serve_tasks(*channel_, &capture_);
          },
          {capture_.stdout_fd(), capture_.stderr_fd()}) {}

void ProcessBody::start() {
  channel_ = new (memory_.data()) Channel;  // trivially destructible: what the dead one left is overwritten
  zygote_.spawn();
}

bool ProcessBody::kill() {
  zygote_.kill();
  return true;
}

void ThreadBody::start() {
  channel_ = std::make_shared<Channel>();
  ended_ = std::make_shared<std::atomic<bool>>(false);
  thread_ = std::thread([channel = channel_, ended = ended_] {
    serve_tasks(*channel, nullptr);
    ended->store(true);
  });
}

// A thread inside a task cannot be ended. The rank is about to leave; the thread goes with it.
ThreadBody::~ThreadBody() {
  constexpr Duration kQuitLimit = std::chrono::milliseconds(200);
  if (!thread_.joinable()) return;
  ByteWriter quit;
  quit.put(FrameKind::quit);
  const Bytes frame = framed(quit.take());
  const bool told = channel_->tasks.try_write(frame) == frame.size();
  for (const TimePoint end = Clock::now() + kQuitLimit; told && !ended_->load() && Clock::now() < end;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (ended_->load()) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

}  // namespace parrun
