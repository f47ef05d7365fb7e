#include "exec/attempt.hpp"

#include <cxxabi.h>
#include <fmt/format.h>
#include <signal.h>
#include <stdio_ext.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <typeinfo>
#include <utility>

#include "base/size.hpp"
#include "batch/task_spec.hpp"
#include "exec/command.hpp"
#include "exec/error_types.hpp"
#include "exec/process_tree.hpp"
#include "exec/registry.hpp"

namespace parrun {
namespace {

// Beyond this much memory that stays in a process, the next task gets a fresh one.
constexpr std::int64_t kMostLeftBehind_kb = 64 << 10;
constexpr Duration kLeftoversLimit = std::chrono::seconds(5);
// A message is for people, and a record cannot hold one of any size.
constexpr std::size_t kLongestError = std::size_t{1} << 20;

void fail(std::string why, Outcome& outcome) {
  if (why.size() > kLongestError) why.replace(kLongestError, why.npos, " [parrun: cut here]");
  outcome.state = State::failed;
  outcome.exit_code = 1;
  outcome.error = std::move(why);
  outcome.value.clear();
  outcome.value_is_json = false;
}

// REQUIRES: an exception is being handled.
void set_exception(const char* message, Outcome& outcome) {
  const std::type_info* type = abi::__cxa_current_exception_type();
  outcome.error_type = type != nullptr ? demangled(type->name()) : "unknown";
  fail(fmt::format("{}: {}", outcome.error_type, message), outcome);
  outcome.error_value = current_error_bytes();
}

void make_json(const Function& function, Outcome& outcome) {
  if (function.value_to_json == nullptr) return;
  outcome.value = function.value_to_json(outcome.value);
  outcome.value_is_json = true;
}

void execute_command(const TaskSpec& command, std::optional<std::uint64_t> output_limit, Outcome& outcome) {
  run_command(command, environ, STDOUT_FILENO, STDERR_FILENO, output_limit, outcome);
}

void warn(const std::string& what, Outcome& outcome) {
  outcome.warning += (outcome.warning.empty() ? "" : "; ") + what;
}

// A call's variables and folder, else the attempt's; a command's are given to its process alone.
void enter_call(const CallView& call, const std::string& own_folder) {
  for (const auto& [name, value] : call.env) setenv(std::string(name).c_str(), std::string(value).c_str(), 1);
  const std::string folder = call.cwd.empty() ? own_folder : std::string(call.cwd);
  if (folder.empty() || chdir(folder.c_str()) == 0) return;
  throw std::system_error(errno, std::generic_category(),
                          fmt::format("cannot start in the directory '{}'", folder));
}

// Most functions write nothing, and even then fflush(3) costs a tenth of a short attempt.
void flush_if_any(FILE* stream) {
  if (__fpending(stream) > 0) std::fflush(stream);
}

std::optional<std::uint64_t> unless_zero(std::uint64_t bytes) {
  return bytes > 0 ? std::optional(bytes) : std::nullopt;
}

}  // namespace

void append(const AttemptTerms& terms, ByteWriter& out) {
  const ResourceLimits& limits = terms.resources;
  out.put(terms.json_values, terms.rank, terms.ranks, limits.memory_bytes.value_or(0),
          limits.cpu.value_or(Duration::zero()).count(), limits.output_bytes.value_or(0),
          terms.most_value_bytes);
}

AttemptTerms decode_terms(ByteReader& in) {
  AttemptTerms terms;
  std::uint64_t memory = 0;
  Duration::rep cpu = 0;
  std::uint64_t output = 0;
  in.get(terms.json_values, terms.rank, terms.ranks, memory, cpu, output, terms.most_value_bytes);
  terms.resources = {.memory_bytes = unless_zero(memory),
                     .cpu = cpu > 0 ? std::optional(Duration(cpu)) : std::nullopt,
                     .output_bytes = unless_zero(output)};
  return terms;
}

void Attempter::begin(const AttemptOrder& order, TimePoint start, Outcome& outcome) {
  outcome.task = order.id.task;
  outcome.attempt = order.id.attempt;
  outcome.started_s = calendar_.at(start);
}

// Most calls are of the function of the one before.
const Function* Attempter::find(BytesView name) {
  if (last_ == nullptr || last_->name != name) last_ = find_function(name);
  return last_;
}

void Attempter::call_function(const CallView& call, Outcome& outcome) {
  const Function* const function = find(call.function);
  if (function == nullptr) return fail(fmt::format("no task function '{}'", call.function), outcome);
  try {
    function->call_into(call.arguments, outcome.value);
    if (terms_.json_values) make_json(*function, outcome);
    const std::uint64_t most = terms_.most_value_bytes;
    if (const std::size_t size = outcome.value.size(); most > 0 && size > most) {
      fail(fmt::format("its result of {} is larger than the {} that a record takes; write it to a file, or "
                       "run with --no-record",
                       format_size(size), format_size(most)),
           outcome);
    }
  } catch (const std::exception& error) {
    set_exception(error.what(), outcome);
  } catch (...) {
    set_exception("an exception that is no std::exception", outcome);
  }
}

// On a thread.

void ThreadAttempter::attempt(const AttemptOrder& order, TimePoint& now, Outcome& outcome) {
  const TimePoint start = now;
  begin(order, start, outcome);
  try {
    if (const auto call = view_call(order.payload)) {
      call_function(*call, outcome);
    } else {
      const TaskSpec command = decode_task(order.payload);
      execute_command(command, command.resources.or_else(terms_.resources).output_bytes, outcome);
    }
  } catch (const std::exception& error) {  // ours, not the task's: no memory
    fail(error.what(), outcome);
  }
  now = Clock::now();
  outcome.elapsed_s = to_seconds(now - start);
}

// In a process.

// Of a command, as a shell says it: perhaps for what a function has left.
constexpr int kCannotBegin = 126;

ProcessAttempter::ProcessAttempter(const ExecutorSettings& settings, const Scratch& scratch, Capture& capture,
                                   AttemptNote& note, const ShareTable& table)
    : Attempter(table),
      settings_(settings),
      scratch_(scratch),
      capture_(capture),
      note_(note),
      variables_(scratch.wanted()) {
  note_.limited = false;
  if (!note_.has_scratch) return;
  died_ = note_.id();
  drop_scratch(*died_, true);
}

void ProcessAttempter::attempt(const AttemptOrder& order, TimePoint& now, Outcome& outcome) {
  const TimePoint start = now;
  begin(order, start, outcome);
  is_command_ = false;
  watch_.begin();
  try {
    if (const auto call = view_call(order.payload)) {
      const std::string folder = enter(order.id, call->head.resources);
      enter_call(*call, folder);
      call_function(*call, outcome);
    } else {
      is_command_ = true;
      watch_.end();
      TaskSpec command = decode_task(order.payload);
      const std::string folder = enter(order.id, command.resources);
      if (command.cwd.empty()) command.cwd = folder;
      execute_command(command, output_limit_, outcome);
    }
  } catch (const std::exception& error) {  // ours, not the task's: no memory, no pipes, no folder
    fail(error.what(), outcome);
  }
  if (is_touched() && getpid() != pid_) _exit(0);  // the task forked, and its child came back here
  now = Clock::now();
  elapsed_ = now - start;
  outcome.elapsed_s = to_seconds(elapsed_);
  flush();
  touched_ = is_touched();
  watch_.end();
  leave(order.id, outcome);
}

// To open a file takes a system call, and those that were open before the zygote was forked are closed: as
// long as no function has made one there are the standard ones alone.
void ProcessAttempter::flush() {
  some_opened_ = some_opened_ || (!is_command_ && is_touched());
  if (!place_.cout_is_stdout()) std::cout.flush();
  if (some_opened_) {
    std::fflush(nullptr);
  } else {
    flush_if_any(stdout);
    flush_if_any(stderr);
  }
}

bool ProcessAttempter::is_touched() const { return is_command_ || watch_.touched() || !place_.alone(); }

// Returns its own folder, if it has one.
std::string ProcessAttempter::enter(const Assignment& attempt, const ResourceLimits& own) {
  const ResourceLimits limits = own.or_else(terms_.resources);
  const std::uint64_t memory_bytes = limits.memory_bytes.value_or(0);
  const Duration cpu = limits.cpu.value_or(Duration::zero());
  output_limit_ = limits.output_bytes;
  meter_.write_before(note_);
  note_.memory_bytes = memory_bytes;
  note_.cpu = cpu.count();
  note_.task = attempt.task.get();  // behind what is true of it alone
  note_.attempt = attempt.attempt;
  note_.limited = memory_bytes > 0 || cpu > Duration::zero();
  variables_.set(attempt, terms_);
  if (!scratch_.wanted()) return {};
  note_.has_scratch = true;
  if (attempt == died_) scratch_.remove(attempt);  // it died for another one's limit, and is made again
  std::string folder = scratch_.make(attempt);
  variables_.set_workdir(folder);
  return folder;
}

void ProcessAttempter::leave(const Assignment& attempt, Outcome& outcome) {
  if (touched_) end_children(outcome);
  note_.limited = false;
  if (touched_ || elapsed_ > UsageMeter::kTooShortToMeasure) {
    meter_.read(!is_command_, outcome);
  } else {
    meter_.count(elapsed_, outcome);
  }
  failed_ = !outcome.succeeded();
  if (is_command_ && outcome.exit_code == kCannotBegin) place_.suspect();
  if (failed_ && scratch_.wanted() && scratch_.keep_failed())
    warn(fmt::format("its folder is kept: {}", scratch_.path(attempt)), outcome);
  if (touched_) take_output(outcome);
}

void ProcessAttempter::take_output(Outcome& outcome) {
  auto text = capture_.take_here(output_limit_);
  captured_ = text.has_value();
  if (!captured_) return;  // the task has closed or replaced what was not its own
  outcome.stdout_text = std::move(text->stdout_text);
  outcome.stderr_text = std::move(text->stderr_text);
}

void ProcessAttempter::end_children(Outcome& outcome) {
  if (settings_.keep_children) {
    pid_t reaped = 0;
    while ((reaped = waitpid(-1, nullptr, WNOHANG)) > 0) {
    }
    left_children_ = reaped == 0;  // none has ended, and some live
    return;
  }
  int ended = 0;
  end_descendants(kLeftoversLimit, [&](const Reaped& one) {
    if (WIFSIGNALED(one.status) && WTERMSIG(one.status) == SIGKILL) ++ended;
    outcome.max_rss_kb = std::max<std::int64_t>(outcome.max_rss_kb, one.usage.ru_maxrss);
  });
  if (ended == 0) return;
  warn(fmt::format("left {} process{} behind, which {} ended; --keep-children leaves them", ended,
                   ended == 1 ? "" : "es", ended == 1 ? "was" : "were"),
       outcome);
}

Attempter::Place ProcessAttempter::clean_up() {
  if (!touched_) {
    const Place usable = meter_.worth_a_look() ? Place::cleaned : Place::as_it_was;
    return place_.restore_untouched() && is_light() ? usable : Place::spoilt;
  }
  const bool restored = is_command_ ? place_.restore_behind_command(elapsed_) : place_.restore(elapsed_);
  if (note_.has_scratch) drop_scratch(note_.id(), failed_);
  const bool usable = restored && is_light() && !left_children_ && captured_ && capture_.leads_here();
  return usable ? Place::cleaned : Place::spoilt;
}

bool ProcessAttempter::is_light() {
  const std::int64_t left_kb = meter_.left_behind_kb();
  if (left_kb < kMostLeftBehind_kb || shared_.empty()) return left_kb < kMostLeftBehind_kb;
  return left_kb - static_cast<std::int64_t>(shared_use("self").resident_bytes / 1024) < kMostLeftBehind_kb;
}

void ProcessAttempter::drop_released() {
  if (shared_.drop_released()) meter_.look_again();
}

void ProcessAttempter::drop_scratch(const Assignment& attempt, bool failed) {
  if (!failed || !scratch_.keep_failed()) scratch_.remove(attempt);
  note_.has_scratch = false;
}

// Variables.

ProcessAttempter::Variables::Number::Number(const char* name)
    : digits_(fmt::format_to(text_.data(), "{}=0", name) - 1) {}

// Most of them are as they were. (One more is written anew, not counted up: a task may have written there.)
void ProcessAttempter::Variables::Number::set(std::uint64_t value) {
  if (value == std::exchange(value_, value)) return;
  *std::to_chars(digits_, text_.data() + text_.size() - 1, value).ptr = '\0';
}

ProcessAttempter::Variables::Variables(bool workdir) {
  set({}, {});
  set_workdir({});
  for (Number* number : {&index_, &attempt_, &rank_, &ranks_}) putenv(number->text());
  if (workdir) putenv(workdir_.data());
}

void ProcessAttempter::Variables::set(const Assignment& attempt, const AttemptTerms& terms) {
  index_.set(attempt.task.get());
  attempt_.set(static_cast<std::uint64_t>(attempt.attempt));
  rank_.set(static_cast<std::uint64_t>(terms.rank));
  ranks_.set(static_cast<std::uint64_t>(terms.ranks));
}

void ProcessAttempter::Variables::set_workdir(const std::string& workdir) {
  *fmt::format_to_n(workdir_.data(), workdir_.size() - 1, "PARRUN_WORKDIR={}", workdir).out = '\0';
}

}  // namespace parrun
