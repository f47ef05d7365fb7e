#include "exec/executor_body.hpp"

#include <new>
#include <utility>

#include "base/keep_memory.hpp"
#include "exec/serve.hpp"

namespace parrun {

ProcessBody::ProcessBody(const ExecutorSettings& settings, Mpirun mpirun)
    : settings_(settings),
      mpirun_(std::move(mpirun)),
      scratch_(settings.workdir.empty() ? Scratch() : Scratch(settings.workdir, settings.keep_failed)),
      channel_(new (channel_memory_.data()) Channel),
      note_(new (note_memory_.data()) AttemptNote),
      zygote_(plan()) {}

Zygote::Plan ProcessBody::plan() {
  return {.executor =
              [this] {
                capture_.redirect_here();
                shares()->make_read_only();
                ProcessAttempter attempter(settings_, scratch_, capture_, *note_, *shares());
                serve_tasks(*channel_, attempter);
              },
          .descriptors = {capture_.stdout_fd(), capture_.stderr_fd()},
          .keep_children = settings_.keep_children,
          .scratch = &scratch_,
          .note = note_,
          .mpirun = &mpirun_};
}

void ProcessBody::start() {
  // Trivially destructible: what the dead one left is overwritten.
  channel_ = new (channel_memory_.data()) Channel;
  zygote_.spawn();
}

bool ProcessBody::kill() {
  zygote_.kill();
  return true;
}

void ProcessBody::watch_limits() {
  if (!std::exchange(limits_watched_, true)) zygote_.watch_limits();
}

std::string ProcessBody::kept_folder(const Assignment& attempt) const {
  return scratch_.wanted() && scratch_.keep_failed() ? scratch_.path(attempt) : "";
}

void ThreadBody::start() {
  passage_ = std::make_shared<Passage>();
  ended_ = std::make_shared<std::atomic<bool>>(false);
  thread_ = std::thread([table = shares(), passage = passage_, ended = ended_] {
    ask_for_huge_pages();
    ThreadAttempter attempter(*table);
    serve_tasks(passage->channel, attempter, &passage->large_outcomes);
    ended->store(true);
  });
}

// A thread inside a task cannot be ended. The rank is about to leave; the thread goes with it, and begins no
// other task.
bool ThreadBody::end() {
  constexpr Duration kQuitLimit = std::chrono::milliseconds(200);
  if (!thread_.joinable()) return true;
  passage_->channel.revoke();
  ByteWriter quit;
  quit.put(FrameKind::quit);
  const Bytes frame = framed(quit.take());
  const bool told = passage_->channel.tasks.try_write(frame) == frame.size();
  for (const TimePoint end = Clock::now() + kQuitLimit; told && !ended_->load() && Clock::now() < end;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const bool ended = ended_->load();
  ended ? thread_.join() : thread_.detach();
  return ended;
}

}  // namespace parrun
