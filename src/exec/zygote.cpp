#include "exec/zygote.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>

#include "exec/process_tree.hpp"

namespace parrun {
namespace {

constexpr char kSpawn = 'S';
constexpr char kKill = 'K';
constexpr auto kKillLimit = std::chrono::seconds(10);

void close_all_but(const std::vector<int>& keep) {
  std::vector<int> inherited;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    inherited.push_back(std::atoi(entry.path().filename().c_str()));
  }
  for (const int fd : inherited) {
    if (fd > STDERR_FILENO && std::find(keep.begin(), keep.end(), fd) == keep.end()) close(fd);
  }
  // mpirun waits for the end of a rank's stdout; it is the rank's to give.
  const int null = open("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) dup2(null, fd);
  close(null);
}

// What MPI's launcher left in the environment would make a task that is an MPI program join our job.
void clean_environment() {
  std::vector<std::string> names;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string name(*variable, std::strcspn(*variable, "="));
    if (name.starts_with("OMPI_") || name.starts_with("PMIX_") || name.starts_with("PMI_"))
      names.push_back(name);
  }
  for (const std::string& name : names) unsetenv(name.c_str());
}

constexpr std::array kEndingSignals = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE};

// Whatever this process was started with.
void reset_child_signal() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGCHLD, SIG_DFL);
}

void set_signals(void (*handler)(int)) {
  for (const int number : kEndingSignals) signal(number, handler);
}

// A node that is short of processes or memory may have some again in a moment.
pid_t fork_patiently() {
  constexpr int kTries = 20;
  constexpr useconds_t kPause_us = 10'000;
  pid_t pid = fork();
  for (int i = 1; i < kTries && pid < 0; ++i) {
    usleep(kPause_us);
    pid = fork();
  }
  return pid;
}

// The zygote's own process: serves requests until the rank is gone.
class ZygoteProcess {
 public:
  ZygoteProcess(int socket, const std::function<void()>& executor) : socket_(socket), executor_(executor) {
    sigemptyset(&child_signal_);
    sigaddset(&child_signal_, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_signal_, nullptr);
    signals_.reset(signalfd(-1, &child_signal_, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  void serve() {
    std::array<pollfd, 2> waits{pollfd{socket_, POLLIN, 0}, pollfd{signals_.get(), POLLIN, 0}};
    for (;;) {
      poll(waits.data(), waits.size(), -1);
      if (waits[1].revents != 0) on_child_signal();
      if (waits[0].revents != 0 && !on_request()) return;
    }
  }

  void end_all() {
    end_descendants(kKillLimit, [this](pid_t pid, int status) { note(pid, status); });
  }

 private:
  bool on_request() {
    char what = 0;
    const ssize_t got = recv(socket_, &what, 1, MSG_DONTWAIT);
    if (got == 0) return false;  // the rank is gone
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (what == kSpawn) spawn();
    if (what == kKill) {
      end_all();
      report_death();
    }
    return true;
  }

  void on_child_signal() {
    signalfd_siginfo info{};
    while (read(signals_.get(), &info, sizeof info) > 0) {
    }
    int status = 0;
    for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;) note(pid, status);
    if (!died_) return;
    end_all();  // what the dead executor left to us
    report_death();
  }

  void note(pid_t pid, int status) {
    if (pid != living_) return;
    living_ = 0;
    died_ = Death{status, 0};
  }

  void report_death() {
    if (!died_) return;
    send(socket_, &*died_, sizeof *died_, MSG_NOSIGNAL);
    died_.reset();
  }

  void spawn() {
    const pid_t zygote = getpid();
    living_ = fork_patiently();
    if (living_ < 0) {
      died_ = Death{0, errno};
      return report_death();
    }
    if (living_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != zygote) _exit(1);  // it died before the line above
    prctl(PR_SET_NAME, "parrun-exec");
    close(socket_);
    signals_.reset();
    setsid();
    adopt_orphans();
    set_signals(SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &child_signal_, nullptr);
    try {
      executor_();
    } catch (...) {  // no memory for a task or its outcome: to the worker a crash like any other
      _exit(1);
    }
    _exit(0);
  }

  int socket_;
  const std::function<void()>& executor_;
  Descriptor signals_;
  sigset_t child_signal_{};
  pid_t living_ = 0;
  std::optional<Death> died_;
};

[[noreturn]] void zygote_main(int socket, const std::function<void()>& executor, std::vector<int> keep) {
  prctl(PR_SET_NAME, "parrun-zygote");
  prctl(PR_SET_PDEATHSIG, SIGCONT);  // one that was stopped wakes up to its duty when its rank dies
  setsid();
  adopt_orphans();
  set_signals(SIG_IGN);
  reset_child_signal();
  try {
    keep.push_back(socket);
    close_all_but(keep);
    clean_environment();
    ZygoteProcess zygote(socket, executor);
    zygote.serve();
    zygote.end_all();
  } catch (...) {  // the rank notices that its socket is closed
    _exit(1);
  }
  _exit(0);
}

}  // namespace

Zygote::Zygote(const std::function<void()>& executor, const std::vector<int>& keep) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make a socket for the executors");
  }
  socket_.reset(ends[0]);
  const Descriptor theirs(ends[1]);
  std::cout.flush();
  std::fflush(nullptr);  // what is buffered here would be written by each executor, as its task's output
  const pid_t pid = fork();
  if (pid < 0) throw std::system_error(errno, std::generic_category(), "cannot fork the executors' parent");
  if (pid == 0) zygote_main(theirs.get(), executor, keep);
}

void Zygote::request(char what) {
  if (send(socket_.get(), &what, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1) {
    throw std::system_error(errno, std::generic_category(), "the executors' parent process is gone");
  }
}

void Zygote::spawn() { request(kSpawn); }
void Zygote::kill() { request(kKill); }

std::optional<Death> Zygote::poll_death() {
  Death death;
  const ssize_t got = recv(socket_.get(), &death, sizeof death, MSG_DONTWAIT);
  if (got == sizeof death) return death;
  if (got < 0 && errno == EAGAIN) return std::nullopt;
  throw std::system_error(got < 0 ? errno : EPIPE, std::generic_category(),
                          "the executors' parent process is gone");
}

}  // namespace parrun
