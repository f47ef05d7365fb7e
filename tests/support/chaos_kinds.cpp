#include "support/chaos_kinds.hpp"

#include <signal.h>
#include <string.h>

#include <cstdio>

namespace parrun::test {
namespace {

using Json = Batch::Json;
using Place = ChaosPlace;

const std::string kCut = "\n[parrun: cut here, at the output limit of 1.0 KB]\n";

// What tasks come to.

Foretold returns(Json value, std::string text = "") {
  return {.value = std::move(value), .stdout_text = std::move(text)};
}
Foretold prints(std::string text) { return returns(nullptr, std::move(text)); }

Foretold returns_and_leaves(Json value, std::string warning) {
  return {.value = std::move(value), .warning = std::move(warning)};
}

Foretold fails(int exit_code, std::string error) {
  return {.state = "failed", .exit_code = exit_code, .error = std::move(error), .value = nullptr};
}
Foretold command_exits(int code) { return fails(code, "exit code " + std::to_string(code)); }
Foretold function_exits(int code) {
  return fails(code, "the task called exit(" + std::to_string(code) + ")");
}

Foretold dies(int signal) {
  return {
      .state = "failed",
      .exit_code = 128 + signal,
      .signal = signal,
      .error = std::string("by signal ") + std::to_string(signal) + " (SIG" + ::sigabbrev_np(signal) + ")",
      .value = nullptr};
}
// The address sanitizer reports it, and exits.
Foretold crashes(int signal) { return kSanitized ? function_exits(1) : dies(signal); }

Foretold exceeds(const std::string& limit) {
  Foretold foretold = dies(SIGKILL);
  foretold.error = "exceeded its " + limit;
  return foretold;
}

Foretold times_out(std::optional<std::string> text = "") {
  Foretold foretold = dies(SIGKILL);
  foretold.state = "timed_out";
  foretold.error = "reached its limit of";
  foretold.stdout_text = std::move(text);
  return foretold;
}

Foretold after(std::vector<std::string> earlier, Foretold last) {
  last.earlier = std::move(earlier);
  return last;
}

// Kinds.

// A kind that is one line of shell.
ChaosKind shell(const std::string& line, const Foretold& foretold) {
  return {line, [=](Place& at) {
            at.batch.command(line);
            return foretold;
          }};
}

ChaosKind function(const std::string& name, const std::vector<Json>& args, const Foretold& foretold) {
  return {name + Json(args).dump(), [=](Place& at) {
            at.batch.call(name, args);
            return foretold;
          }};
}

ChaosKind with(const std::string& field, const Json& value, const ChaosKind& kind) {
  return {kind.name, [=](Place& at) {
            Foretold foretold = kind.add(at);
            at.batch.with(field, value);
            return foretold;
          }};
}

// Its task's number, through the function.
ChaosKind gives_its_index(const std::string& name) {
  return {name, [=](Place& at) {
            at.batch.call(name, {at.task});
            return returns(at.task);
          }};
}

std::vector<ChaosKind> good_functions() {
  return {{"finds_a_clean_place",
           [](Place& at) {
             at.batch.call("finds_a_clean_place", {at.task, at.folder, at.umask, at.priority});
             return returns(at.task, "task " + std::to_string(at.task) + "\n");
           }},
          {"echo", [](Place& at) {
             const std::string text(static_cast<std::size_t>(at.below(2000)), 'a');
             at.batch.call("echo", {text + std::to_string(at.task)});
             return returns(text + std::to_string(at.task));
           }}};
}

std::vector<ChaosKind> good_with_processes() {
  return {gives_its_index("joins_thread_and_child"),
          {"looks around",
           [](Place& at) {
             at.batch.command("pwd; umask; echo $PARRUN_TASK_INDEX $PARRUN_CHAOS_DIRT");
             char mask[8];
             std::snprintf(mask, sizeof mask, "%04o", at.umask);
             return prints(at.folder + "\n" + mask + "\n" + std::to_string(at.task) + "\n");
           }},
          {"cat",
           [](Place& at) {
             at.batch.argv({"cat"}).with("stdin", "typed " + std::to_string(at.task));
             return prints("typed " + std::to_string(at.task));
           }},
          // None is blocked, and of those that are not the C library's own (32 and 33), none ignored.
          shell("grep -cE '^Sig(Blk:.0{16}|Ign:.0{7}[01][08]0{7})$' /proc/self/status", prints("2\n")),
          shell("ls /proc/self/fd", prints("0\n1\n2\n3\n"))};
}

std::vector<ChaosKind> crashing() {
  std::vector<ChaosKind> kinds{
      function("segfaults", {}, crashes(SIGSEGV)),
      function("overflows_the_stack", {}, crashes(SIGSEGV)),
      function("crashes_in_a_thread", {}, crashes(SIGSEGV)),
      function("frees_twice", {}, crashes(SIGABRT)),
      function("writes_before_its_memory", {}, crashes(SIGABRT)),
      function("aborts", {}, dies(SIGABRT)),
      function("terminates", {}, dies(SIGABRT)),
      function("kills_its_group", {}, dies(SIGKILL)),
      function("stops_itself", {}, dies(SIGSTOP)),
      shell("kill -STOP $$", dies(SIGSTOP)),
      shell("kill -SEGV $$", dies(SIGSEGV)),
      shell("kill -TERM 0", dies(SIGTERM)),
      function("throws_int", {}, fails(1, "no std::exception")),
      function("throws_derived", {"at step 3"}, fails(1, "SolverDiverged: at step 3")),
      function("gives_unserialisable", {}, fails(1, "cannot be serialised")),
      function("becomes", {"true", ""}, function_exits(0)),
      function("becomes", {"false", ""}, function_exits(1)),
  };
  for (const int signal : {SIGHUP, SIGINT, SIGKILL, SIGTERM, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2}) {
    kinds.push_back(function("raises", {signal}, dies(signal)));
  }
  for (const int code : {0, 1, 7, 127, 255}) {
    kinds.push_back(function("exits", {code}, function_exits(code)));
    kinds.push_back(function("exits_at_once", {code}, function_exits(code)));
    if (code != 0) kinds.push_back(shell("exit " + std::to_string(code), command_exits(code)));
  }
  return kinds;
}

std::vector<ChaosKind> not_to_be_started() {
  return {{"no such program",
           [](Place& at) {
             at.batch.argv({"/no/such/program"});
             return fails(127, "cannot start '/no/such/program'");
           }},
          {"no program",
           [](Place& at) {
             at.batch.argv({"/etc/passwd"});
             return fails(126, "cannot start '/etc/passwd'");
           }},
          with("cwd", "/no/such/folder",
               shell("true", fails(127, "cannot start in the directory '/no/such/folder'")))};
}

std::vector<ChaosKind> leaving_processes() {
  const auto leaves = [](const std::string& line) {
    return shell(line, returns_and_leaves(nullptr, "behind"));
  };
  ChaosKind failing = shell("(trap '' TERM HUP; sleep 1000) & exit 3", command_exits(3));
  return {function("leaves_grandchild", {false}, {.value = {}, .warning = "left 1 process behind"}),
          function("leaves_children", {4}, returns_and_leaves(4, "left 4 processes behind")),
          function("fork_returns", {}, {.value = 1, .warning = {}}),
          leaves("setsid sleep 1000 & exit 0"),
          leaves("( ( trap '' TERM HUP INT; setsid sleep 1000 ) & ) & exit 0"),
          // What it has written by then is open, and whether it is ended or meets the closed pipe first.
          shell("yes & exit 0", {.value = nullptr, .stdout_text = {}, .warning = {}}),
          {failing.name, [=](Place& at) {
             Foretold foretold = failing.add(at);
             foretold.warning = "behind";
             return foretold;
           }}};
}

std::vector<ChaosKind> above_their_limits() {
  const auto memory = [](const ChaosKind& kind) { return with("memory_limit", "64M", kind); };
  const auto cpu = [](const ChaosKind& kind) { return with("cpu_limit", 0.1, kind); };
  const auto output = [](const ChaosKind& kind) { return with("output_limit", "1K", kind); };
  return {memory(function("takes_memory_without_end", {}, exceeds("memory limit of 64 MB"))),
          memory(function("takes_memory_in_children", {4, 30}, exceeds("memory limit of 64 MB"))),
          memory(shell("dd if=/dev/zero of=/dev/null bs=200M", exceeds("memory limit of 64 MB"))),
          cpu(function("spins", {}, exceeds("CPU time limit of"))),
          cpu(shell("while :; do :; done", exceeds("CPU time limit of"))),
          output(function("prints_much", {10'000'000}, prints(std::string(1024, 'x') + kCut))),
          output(shell("head -c 10000000 /dev/zero | tr '\\0' x", prints(std::string(1024, 'x') + kCut)))};
}

// As JSON has it: bytes that are no UTF-8 are replaced.
std::string garbage() {
  std::string text;
  for (int byte = 0; byte < 256; ++byte) text += static_cast<char>(byte);
  text += "\n{\"task\": 0, \"state\": \"failed\"}\n";
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

std::vector<ChaosKind> untidy() {
  return {{"disturbs",
           [](Place& at) {
             const int what = at.below(1 << 14);
             at.batch.call("disturbs", {what});
             return returns(what);
           }},
          {"removes_its_folder",
           [](Place& at) {
             at.batch.call("removes_its_folder", {at.task, at.file()});
             return returns(at.task);
           }},
          {"replaces_stdout",
           [](Place& at) {
             at.batch.call("replaces_stdout", {at.file()});
             return returns(nullptr);
           }},
          function("prints_garbage", {}, prints(garbage())),
          shell("head -c 20000 /dev/urandom", {.value = nullptr, .stdout_text = {}}),
          function("leaks_descriptors", {500}, returns(500)),
          function("leaks_descriptors", {8}, returns(8)),
          gives_its_index("closes_all_descriptors"),
          {"prints_then_closes_stdout",
           [](Place& at) {
             at.batch.call("prints_then_closes_stdout", {at.task});
             return returns(at.task, "before\n");
           }},
          gives_its_index("leaves_a_thread_that_crashes"),
          shell("exec 0<&- 1>&- 2>&-; exit 4", command_exits(4))};
}

std::vector<ChaosKind> better_at_the_second_attempt() {
  ChaosKind function{
      "fails_once", [](Place& at) {
        const auto how = at.one_of<std::string>({"segfault", "abort", "exit", "kill", "throw"});
        at.batch.call("fails_once", {at.task, at.file(), how}).with("retries", 1);
        return after({"failed"}, returns(at.task));
      }};
  ChaosKind command{"fails twice", [](Place& at) {
                      const std::string file = at.file();
                      at.batch.command("echo x >> " + file + "; test $(wc -l < " + file +
                                       ") -ge 3 || exit 5; echo $PARRUN_ATTEMPT");
                      at.batch.with("retries", 4);
                      return after({"failed", "failed"}, prints("3\n"));
                    }};
  ChaosKind never{"never succeeds", [](Place& at) {
                    at.batch.call("raises", {SIGKILL}).with("retries", 2);
                    return after({"failed", "failed"}, dies(SIGKILL));
                  }};
  return {function, command, never};
}

std::vector<ChaosKind> endless() {
  std::string yes;
  while (yes.size() < 1024) yes += "y\n";
  return {function("spins", {}, times_out()),
          function("ignores_sigterm", {}, times_out()),
          function("blocks_all_signals", {}, times_out()),
          function("spins_without_descriptors", {}, times_out()),
          function("leaves_grandchild", {true}, times_out()),
          function("becomes", {"sleep", "1000"}, times_out()),
          shell("while :; do :; done", times_out()),
          shell("trap '' TERM INT HUP; while :; do sleep 1000; done", times_out()),
          shell("exec 0<&- 1>&- 2>&-; exec sleep 1000", times_out()),
          shell("echo before; (setsid sleep 1000 &); sleep 1000", times_out("before\n")),
          with("output_limit", "1K", shell("yes", times_out(yes + kCut))),
          {"sleeps at its first attempt", [](Place& at) {
             at.batch.call("fails_once", {at.task, at.file(), "sleep"}).with("retries", 1);
             return after({"timed_out"}, returns(at.task));
           }}};
}

// They end by themselves, but on a busy machine not always before the run's limit of a second.
void append_with_time(std::vector<ChaosKind>& kinds, const std::vector<ChaosKind>& more) {
  constexpr double kAmple_s = 30;
  for (const ChaosKind& kind : more) kinds.push_back(with("timeout", kAmple_s, kind));
}

}  // namespace

ChaosKinds chaos_kinds() {
  ChaosKinds kinds{{}, {}, endless()};
  append_with_time(kinds.slow, above_their_limits());
  append_with_time(kinds.good, good_with_processes());
  constexpr int kAsOften = 50;  // a process takes a hundred times as long as a function
  for (int i = 0; i < kAsOften; ++i) append_with_time(kinds.good, good_functions());
  for (const auto& some :
       {crashing(), not_to_be_started(), leaving_processes(), untidy(), better_at_the_second_attempt()}) {
    append_with_time(kinds.bad, some);
  }
  return kinds;
}

}  // namespace parrun::test
