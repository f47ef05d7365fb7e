#include "report/output.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace parrun {
namespace {

// False where the descriptor takes no more: closed, or a full disk.
bool write_all(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t step = ::write(fd, text.data() + done, text.size() - done);
    if (step < 0 && errno == EAGAIN) {  // somebody made it non-blocking
      pollfd wait{fd, POLLOUT, 0};
      poll(&wait, 1, -1);
    } else if (step < 0 && errno != EINTR) {
      return false;
    }
    done += static_cast<std::size_t>(step < 0 ? 0 : step);
  }
  return true;
}

}  // namespace

Output::Output(int fd) : thread_(run, fd, state_) {}

Output::Output(Descriptor owned) {
  state_->owned = std::move(owned);
  thread_ = std::thread(run, state_->owned.get(), state_);
}

Output::~Output() {
  bool ended = false;
  {
    const std::lock_guard lock(state_->mutex);
    state_->over = true;
    ended = state_->unwritten == 0;
  }
  state_->changed.notify_one();
  if (ended) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void Output::write(std::string text) {
  if (text.empty()) return;
  bool call = false;
  {
    const std::lock_guard lock(state_->mutex);
    state_->unwritten += text.size();
    state_->pending.empty() ? state_->pending = std::move(text) : state_->pending += text;
    call = std::exchange(state_->thread_sleeps, false) || state_->pending.size() >= kTogetherBytes;
  }
  if (call) state_->changed.notify_one();
}

bool Output::congested() const {
  const std::lock_guard lock(state_->mutex);
  return state_->unwritten > kCongestedBytes;
}

bool Output::flushed() const {
  const std::lock_guard lock(state_->mutex);
  return state_->unwritten == 0;
}

bool Output::failed() const {
  const std::lock_guard lock(state_->mutex);
  return state_->failed;
}

void Output::run(int fd, const std::shared_ptr<State>& state) {
  TimePoint last_write{};
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->thread_sleeps = true;
    state->changed.wait(lock, [&] { return state->over || !state->pending.empty(); });
    state->thread_sleeps = false;
    if (state->pending.empty()) return;
    state->changed.wait_until(lock, last_write + kTogether,
                              [&] { return state->over || state->pending.size() >= kTogetherBytes; });
    const std::string text = std::exchange(state->pending, {});
    lock.unlock();
    const bool written = write_all(fd, text);
    last_write = Clock::now();
    lock.lock();
    state->unwritten -= text.size();
    if (!written) state->failed = true;
  }
}

}  // namespace parrun
