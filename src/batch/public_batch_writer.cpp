#include <fmt/format.h>

#include <optional>
#include <stdexcept>

#include "batch/batch_writer.hpp"
#include "parrun/batch_writer.hpp"
#include "parrun/errors.hpp"

namespace parrun {
namespace {

void refuse_nul(const std::string& text, const char* what) {
  if (text.find('\0') == text.npos) return;
  throw InputError(fmt::format("{} holds a NUL, which no command can be given; remove it", what));
}

std::optional<Duration> checked(std::optional<std::chrono::nanoseconds> timeout) {
  if (timeout && *timeout <= std::chrono::nanoseconds::zero()) {
    throw InputError(
        fmt::format("a task's timeout is {} ns; give one above zero, or none", timeout->count()));
  }
  return timeout;
}

TaskSpec with_options(decltype(TaskSpec::work) work, const CommandOptions& options) {
  if (options.retries && *options.retries < 0) {
    throw InputError(fmt::format("a task's retries are {}; give 0 or more, or none", *options.retries));
  }
  for (const auto& [name, value] : options.env) {
    if (name.empty() || name.find('=') != name.npos) {
      throw InputError(fmt::format("'{}' cannot be an environment variable; rename it", name));
    }
    refuse_nul(name, "an environment variable");
    refuse_nul(value, "an environment variable");
  }
  refuse_nul(options.cwd, "a working directory");
  return TaskSpec{std::move(work), options.label, checked(options.timeout), options.retries,
                  options.env,     options.cwd,   options.stdin_text};
}

}  // namespace

struct BatchWriter::Implementation {
  explicit Implementation(const std::string& path) : file(path) {}

  void add(const TaskSpec& spec) {
    if (finished) throw std::logic_error("a task added to a batch file that is finished");
    file.add(spec);
  }

  BatchFileWriter file;
  bool finished = false;
};

BatchWriter::BatchWriter(const std::string& path) : implementation_(std::make_unique<Implementation>(path)) {}
BatchWriter::~BatchWriter() = default;
BatchWriter::BatchWriter(BatchWriter&& other) noexcept = default;
BatchWriter& BatchWriter::operator=(BatchWriter&& other) noexcept = default;

void BatchWriter::add_command(const std::string& line, const CommandOptions& options) {
  refuse_nul(line, "a command");
  if (line.empty()) throw InputError("a command is empty; give its line");
  implementation_->add(with_options(ShellCommand{line}, options));
}

void BatchWriter::add_argv(const std::vector<std::string>& argv, const CommandOptions& options) {
  for (const std::string& argument : argv) refuse_nul(argument, "an argument");
  if (argv.empty() || argv.front().empty()) throw InputError("a command names no program; put it first");
  implementation_->add(with_options(ArgvCommand{argv}, options));
}

void BatchWriter::add_call(const detail::CallFields& fields) {
  TaskSpec spec;
  spec.work = Call{fields.function, fields.arguments};
  spec.label = fields.label;
  spec.timeout = checked(fields.timeout);
  implementation_->add(spec);
}

void BatchWriter::finish() {
  if (implementation_->finished) throw std::logic_error("a batch file finished twice");
  implementation_->file.finish();
  implementation_->finished = true;
}

}  // namespace parrun
