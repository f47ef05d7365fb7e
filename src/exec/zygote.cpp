#include "exec/zygote.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <iostream>
#include <system_error>

#include "exec/inherited.hpp"
#include "exec/process_tree.hpp"
#include "exec/zygote_process.hpp"

namespace parrun {
namespace {

void serve_rank(int socket, const Zygote::Plan& plan) {
  ZygoteProcess zygote(socket, plan);
  try {
    zygote.serve();
    zygote.end();
  } catch (...) {  // no memory: nothing that was started here is to run on for that
    zygote.give_up();
  }
}

[[noreturn]] void zygote_main(int socket, const Zygote::Plan& plan) {
  prctl(PR_SET_NAME, "parrun-zygote");
  prctl(PR_SET_PDEATHSIG, SIGCONT);  // one that was stopped wakes up to its duty when its rank dies
  setsid();
  adopt_orphans();
  ignore_ending_signals();
  unblock_signals();
  try {
    std::vector<int> keep = plan.descriptors;
    keep.push_back(socket);
    if (plan.mpirun != nullptr) keep.push_back(plan.mpirun->descriptor());
    close_all_but(keep);
    remove_launcher_variables();
    serve_rank(socket, plan);
  } catch (...) {  // the rank notices that its socket is closed
    _exit(1);
  }
  _exit(0);
}

}  // namespace

Zygote::Zygote(const Plan& plan) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make a socket for the executors");
  }
  socket_.reset(ends[0]);
  const Descriptor theirs(ends[1]);
  std::cout.flush();
  std::fflush(nullptr);  // what is buffered here would be written by each executor, as its task's output
  pid_ = fork();
  if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "cannot fork the executors' parent");
  if (pid_ == 0) zygote_main(theirs.get(), plan);
}

// A code may go on for long without its executors: it is not to have zombies for them.
Zygote::~Zygote() {
  constexpr Duration kLimit = std::chrono::seconds(1);
  constexpr useconds_t kPause_us = 200;
  dismiss();
  while (waitpid(pid_, nullptr, WNOHANG) == 0 && Clock::now() < dismissed_ + kLimit) usleep(kPause_us);
}

void Zygote::leave() noexcept {
  try {
    request(ZygoteRequest::leave);
  } catch (const std::system_error&) {  // it is gone before us
  }
}

void Zygote::dismiss() noexcept {
  if (!socket_) return;
  leave();
  socket_.reset();
  ::kill(pid_, SIGCONT);  // a task may have stopped it
  dismissed_ = Clock::now();
}

void Zygote::request(ZygoteRequest what) {
  if (send(socket_.get(), &what, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1) {
    throw std::system_error(errno, std::generic_category(), "the executors' parent process is gone");
  }
}

void Zygote::spawn() { request(ZygoteRequest::spawn); }
void Zygote::kill() {
  request(ZygoteRequest::kill);
  ::kill(pid_, SIGCONT);  // a task may have stopped it
}
void Zygote::watch_limits() { request(ZygoteRequest::watch_limits); }
void Zygote::release_kept() { request(ZygoteRequest::release_kept); }

std::optional<Death> Zygote::poll_death() {
  Death death;
  const ssize_t got = recv(socket_.get(), &death, sizeof death, MSG_DONTWAIT);
  if (got == sizeof death) return death;
  if (got < 0 && errno == EAGAIN) return std::nullopt;
  throw std::system_error(got < 0 ? errno : EPIPE, std::generic_category(),
                          "the executors' parent process is gone");
}

}  // namespace parrun
