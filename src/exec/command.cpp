#include "exec/command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

#include "base/descriptor.hpp"
#include "exec/command_watch.hpp"
#include "exec/plain_words.hpp"

namespace parrun {
namespace {

struct Pipe {
  Descriptor read_end;
  Descriptor write_end;

  Pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
  }
};

// An executor's own, unless a function has changed it.
bool own_stdin_is_empty() {
  const dev_t null = makedev(1, 3);  // Linux's allocated devices: /dev/null
  struct stat status {};
  return fcntl(STDIN_FILENO, F_GETFD) == 0 && fstat(STDIN_FILENO, &status) == 0 && S_ISCHR(status.st_mode) &&
         status.st_rdev == null;
}

// None where the command is to inherit ours. A text is a file in memory: nobody has to feed it while the
// command runs.
Descriptor open_stdin(const std::string& text) {
  if (text.empty() && own_stdin_is_empty()) return {};
  if (text.empty()) {
    Descriptor null(open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!null) throw std::system_error(errno, std::generic_category(), "/dev/null");
    return null;
  }
  Descriptor file(memfd_create("parrun-stdin", MFD_CLOEXEC));
  if (!file) throw std::system_error(errno, std::generic_category(), "memfd_create");
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t step = write(file.get(), text.data() + written, text.size() - written);
    if (step <= 0)
      throw std::system_error(errno, std::generic_category(), "cannot keep the stdin text in memory");
    written += static_cast<std::size_t>(step);
  }
  lseek(file.get(), 0, SEEK_SET);
  return file;
}

// posix_spawn's file actions and attributes: the descriptors that are not to be inherited, the folder, a
// process group of its own, and all signals as they are by default.
class SpawnSettings {
 public:
  SpawnSettings(const Descriptor& in, const Descriptor& out, const Descriptor& err, const std::string& cwd) {
    posix_spawn_file_actions_init(&actions_);
    if (in) posix_spawn_file_actions_adddup2(&actions_, in.get(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, out.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions_, err.get(), STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);  // what functions left open
    if (!cwd.empty()) posix_spawn_file_actions_addchdir_np(&actions_, cwd.c_str());
    posix_spawnattr_init(&attributes_);
    sigset_t all;
    sigset_t none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::vector<std::string> arguments_of(const TaskSpec& spec) {
  if (const auto* shell = std::get_if<ShellCommand>(&spec.work)) return {"/bin/sh", "-c", shell->line};
  return std::get<ArgvCommand>(spec.work).argv;
}

// The task's variables before the inherited ones: the first of a name is the one that getenv finds, so an
// inherited one of the same name is left out.
std::vector<std::string> own_variables(const TaskSpec& spec) {
  std::vector<std::string> variables;
  for (const auto& [name, value] : spec.env) variables.push_back(fmt::format("{}={}", name, value));
  return variables;
}

bool is_overridden(const char* variable, const TaskSpec& spec) {
  return std::any_of(spec.env.begin(), spec.env.end(), [variable](const auto& own) {
    const std::string& name = own.first;
    return std::strncmp(variable, name.c_str(), name.size()) == 0 && variable[name.size()] == '=';
  });
}

template <typename Strings>
void append_pointers(Strings& strings, std::vector<char*>& pointers) {
  for (std::string& text : strings) pointers.push_back(text.data());
}

// PWD names the folder we are in: a shell would see to that.
bool knows_its_folder(const char* const* environment) {
  constexpr std::string_view kName = "PWD=";
  while (*environment != nullptr && !std::string_view(*environment).starts_with(kName)) ++environment;
  if (*environment == nullptr) return true;
  struct stat named {};
  struct stat present {};
  return stat(*environment + kName.size(), &named) == 0 && stat(".", &present) == 0 &&
         named.st_dev == present.st_dev && named.st_ino == present.st_ino;
}

std::optional<std::vector<std::string>> words_for_no_shell(const TaskSpec& spec, char** environment) {
  const auto* shell = std::get_if<ShellCommand>(&spec.work);
  if (shell == nullptr || !spec.cwd.empty() || is_overridden("PATH=", spec)) return std::nullopt;
  auto words = plain_words(shell->line, environment);
  return words && knows_its_folder(environment) ? words : std::nullopt;
}

// Returns an errno. posix_spawnp reports a failed chdir, exec or interpreter as its own result.
int spawn(const TaskSpec& spec, std::vector<std::string> arguments, char** environment,
          const SpawnSettings& settings, pid_t& child) {
  std::vector<std::string> variables = own_variables(spec);
  std::vector<char*> argv;
  std::vector<char*> envp;
  append_pointers(arguments, argv);
  append_pointers(variables, envp);
  for (char** inherited = environment; *inherited != nullptr; ++inherited) {
    if (!is_overridden(*inherited, spec)) envp.push_back(*inherited);
  }
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  return posix_spawnp(&child, argv.front(), settings.actions(), settings.attributes(), argv.data(),
                      envp.data());
}

// What cannot be started without a shell is the shell's to explain.
int spawn(const TaskSpec& spec, char** environment, const SpawnSettings& settings, pid_t& child) {
  if (auto words = words_for_no_shell(spec, environment)) {
    if (spawn(spec, std::move(*words), environment, settings, child) == 0) return 0;
  }
  return spawn(spec, arguments_of(spec), environment, settings, child);
}

std::string spawn_failure(const TaskSpec& spec, int error) {
  struct stat status {};
  if (!spec.cwd.empty() && (stat(spec.cwd.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))) {
    return fmt::format("cannot start in the directory '{}': {}", spec.cwd, std::strerror(error));
  }
  return fmt::format("cannot start '{}': {}", arguments_of(spec).front(), std::strerror(error));
}

}  // namespace

void set_ending(int wait_status, Outcome& outcome) {
  if (WIFSIGNALED(wait_status) || WIFSTOPPED(wait_status)) {
    const bool stopped = WIFSTOPPED(wait_status);
    outcome.signal = stopped ? WSTOPSIG(wait_status) : WTERMSIG(wait_status);
    outcome.exit_code = 128 + outcome.signal;
    const char* name = sigabbrev_np(outcome.signal);
    outcome.error = fmt::format("{} by signal {} (SIG{})", stopped ? "stopped" : "killed", outcome.signal,
                                name != nullptr ? name : "?");
  } else {
    outcome.exit_code = WEXITSTATUS(wait_status);
    if (outcome.exit_code != 0) outcome.error = fmt::format("exit code {}", outcome.exit_code);
  }
  outcome.state = outcome.error.empty() ? State::succeeded : State::failed;
}

void run_command(const TaskSpec& spec, char** environment, int stdout_fd, int stderr_fd,
                 std::optional<std::uint64_t> output_limit, Outcome& outcome) {
  Pipe out;
  Pipe err;
  const Descriptor in = open_stdin(spec.stdin_text);
  signal(SIGCHLD, SIG_DFL);  // a function may have had it ignored: its children's ends would be lost
  const SpawnSettings settings(in, out.write_end, err.write_end, spec.cwd);
  pid_t child = 0;
  if (const int error = spawn(spec, environment, settings, child); error != 0) {
    outcome.state = State::failed;
    outcome.exit_code = error == ENOENT ? 127 : 126;  // as a shell says it
    outcome.error = spawn_failure(spec, error);
    return;
  }
  // The pipes' other ends stay open here: the command's end is one event to wake for, not three.
  const std::uint64_t copied = output_limit ? *output_limit + 1 : std::numeric_limits<std::uint64_t>::max();
  std::array<Copy, 2> streams{Copy(std::move(out.read_end), stdout_fd, copied),
                              Copy(std::move(err.read_end), stderr_fd, copied)};
  rusage usage{};
  set_ending(copy_until_end(child, streams, usage), outcome);
  outcome.max_rss_kb = usage.ru_maxrss;
}

}  // namespace parrun
