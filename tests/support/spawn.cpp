#include "support/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace parrun::test {
namespace {

void check(int error, const std::string& what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

// posix_spawn's two argument objects, released with their owner.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }

  void open_stdin(const std::string& path) {
    check(posix_spawn_file_actions_addopen(&actions_, 0, path.c_str(), O_RDONLY, 0), "addopen");
  }
  void put(int from, int to) { check(posix_spawn_file_actions_adddup2(&actions_, from, to), "adddup2"); }
  void change_folder(const std::string& path) {
    if (!path.empty()) check(posix_spawn_file_actions_addchdir_np(&actions_, path.c_str()), "addchdir");
  }
  // SIGPIPE may be ignored in a test program; the command has the usual one.
  void own_group_and_usual_signals() {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  pid_t start(const std::vector<std::string>& argv, const std::vector<std::string>& env) const {
    pid_t pid = 0;
    check(posix_spawnp(&pid, argv.at(0).c_str(), &actions_, &attributes_, pointers(argv).data(),
                       pointers(env).data()),
          "cannot start " + argv.at(0));
    return pid;
  }

 private:
  static std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
  }

  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

// This process's environment, with `extra` in place of what has the same names.
std::vector<std::string> environment(const Environment& extra) {
  std::vector<std::string> entries;
  for (const auto& [name, value] : extra) {
    entries.push_back(name);
    entries.back().append("=").append(value);
  }
  const std::size_t own = entries.size();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('=') + 1);
    bool replaced = false;
    for (std::size_t i = 0; i < own; ++i) replaced = replaced || entries[i].starts_with(name);
    if (!replaced) entries.push_back(text);
  }
  return entries;
}

}  // namespace

Pipe make_pipe() {
  std::array<int, 2> ends{};
  check(::pipe2(ends.data(), O_CLOEXEC) == 0 ? 0 : errno, "pipe2");
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

pid_t spawn(const SpawnRequest& request) {
  SpawnPlan plan;
  plan.open_stdin(request.stdin_path);
  plan.put(request.stdout_fd, 1);
  plan.put(request.stderr_fd, 2);
  plan.change_folder(request.cwd);
  plan.own_group_and_usual_signals();
  return plan.start(request.argv, environment(request.env));
}

}  // namespace parrun::test
