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
  {
    const std::lock_guard lock(state_->mutex);
    state_->unwritten += text.size();
    state_->queue.push_back(std::move(text));
  }
  state_->changed.notify_one();
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
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->changed.wait(lock, [&] { return state->over || !state->queue.empty(); });
    if (state->queue.empty()) return;
    // All that is there in one write: a system call for a thousand small outcomes.
    std::string text;
    for (std::string& part : std::exchange(state->queue, {})) {
      text.empty() ? text = std::move(part) : text += part;
    }
    lock.unlock();
    const bool written = write_all(fd, text);
    lock.lock();
    state->unwritten -= text.size();
    if (!written) state->failed = true;
  }
}

}  // namespace parrun
