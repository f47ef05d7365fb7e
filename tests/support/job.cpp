#include "support/job.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <stdexcept>

namespace parrun::test {
namespace {

const std::string kTagName = "PARRUN_TEST_JOB";

std::string unique_value() {
  static std::atomic<int> count = 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return std::to_string(::getpid()) + "." + std::to_string(++count) + "." + std::to_string(now);
}

int as_shell_code(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

std::string joined(const std::vector<std::string>& argv) {
  std::string text;
  for (const std::string& argument : argv) text += (text.empty() ? "" : " ") + argument;
  return text;
}

std::string tail(const std::string& text) {
  constexpr std::size_t kShown = 2000;
  return text.size() <= kShown ? text : "..." + text.substr(text.size() - kShown);
}

}  // namespace

Job::Job(const std::vector<std::string>& argv, const JobOptions& options)
    : argv_(argv),
      tag_(unique_value()),
      started_(std::chrono::steady_clock::now()),
      stdout_unread_(options.stdout_unread) {
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  constexpr int kPage = 4096;
  if (stdout_unread_) ::fcntl(out.write.get(), F_SETPIPE_SZ, kPage);
  Environment env = options.env;
  env.emplace_back(kTagName, tag_);
  tag_ = kTagName + ("=" + tag_);
  pid_ = spawn({argv, env, options.cwd, options.stdin_path, out.write.get(), err.write.get()});
  out_pipe_ = std::move(out.read);
  err_pipe_ = std::move(err.read);
  watcher_ = std::jthread([this] { watch(); });
}

Job::~Job() { kill_everything(); }

// The command itself is ours to end even if it gave itself another environment.
void Job::kill_everything() {
  {
    const std::lock_guard lock(mutex_);
    if (result_.exit_code < 0) ::kill(pid_, SIGKILL);
  }
  kill_all_with(tag_);
}

// Takes in both outputs at once, so that the command never waits for a reader, until it has ended.
void Job::watch() {
  for (;;) {
    const bool over = reap();  // before the last look at the pipes: what it wrote is in them by now
    drain();
    if (over) break;
    std::array<pollfd, 2> wanted{pollfd{stdout_unread_ ? -1 : out_pipe_.get(), POLLIN, 0},
                                 pollfd{err_pipe_.get(), POLLIN, 0}};
    ::poll(wanted.data(), wanted.size(), 5);  // [ms]: the end of the command is no event here
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  end_.notify_all();
}

void Job::drain() {
  if (!stdout_unread_ && out_pipe_ && !take_in(out_pipe_, result_.out)) out_pipe_.reset();
  if (err_pipe_ && !take_in(err_pipe_, result_.err)) err_pipe_.reset();
}

// Takes what is in the pipe, but no more than a pipe can hold: one that writes without end must not keep the
// watcher from seeing the command's end. Returns false at the end of the pipe.
bool Job::take_in(const Descriptor& pipe, std::string& text) {
  constexpr std::size_t kLargestPipe = 1 << 20;
  std::array<char, 65536> buffer;
  for (std::size_t taken = 0; taken < kLargestPipe;) {
    const ssize_t size = ::read(pipe.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return size < 0 && errno == EAGAIN;
    const std::lock_guard lock(mutex_);
    text.append(buffer.data(), static_cast<std::size_t>(size));
    taken += static_cast<std::size_t>(size);
  }
  return true;
}

bool Job::reap() {
  const std::lock_guard lock(mutex_);  // kill_everything() must not meet a number that is free again
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
  result_.exit_code = as_shell_code(status);
  result_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  return true;
}

JobResult Job::wait(std::chrono::nanoseconds limit) {
  {
    std::unique_lock lock(mutex_);
    if (end_.wait_for(lock, limit, [this] { return ended_; })) return result_;
  }
  ADD_FAILURE() << "still running after "
                << std::chrono::duration_cast<std::chrono::milliseconds>(limit).count()
                << " ms: " << joined(argv_) << '\n'
                << describe(processes()) << "stdout: " << tail(out()) << "\nstderr: " << tail(err());
  kill_everything();
  JobResult late{-1, out(), err(), 0};
  late.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  return late;
}

bool Job::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

std::string Job::out() const {
  const std::lock_guard lock(mutex_);
  return result_.out;
}

std::string Job::err() const {
  const std::lock_guard lock(mutex_);
  return result_.err;
}

void Job::expect_nothing_left(std::chrono::nanoseconds bound) const {
  std::vector<Process> left;
  wait_until([&] { return (left = processes()).empty(); }, bound);
  EXPECT_TRUE(left.empty()) << "left behind by " << joined(argv_) << ":\n" << describe(left);
}

pid_t Job::pid_of_rank(int rank, std::string_view name, std::chrono::nanoseconds bound) const {
  constexpr std::size_t kKernelNameLength = 15;
  const std::string_view kept = name.substr(0, kKernelNameLength);
  pid_t found = 0;
  wait_until(
      [&] {
        for (const Process& process : processes()) {
          if (process.parent == pid_ && process.rank == rank && process.name == kept) found = process.pid;
        }
        return found != 0 || ended();
      },
      bound);
  if (found == 0) throw std::runtime_error("no process of rank " + std::to_string(rank) + ": " + tail(err()));
  return found;
}

}  // namespace parrun::test
