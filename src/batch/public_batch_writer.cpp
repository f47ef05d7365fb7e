#include <fmt/format.h>

#include <stdexcept>

#include "batch/batch_writer.hpp"
#include "batch/c_string.hpp"
#include "batch/public_task.hpp"
#include "parrun/batch_writer.hpp"
#include "parrun/errors.hpp"

namespace parrun {
namespace {

TaskSpec with_options(decltype(TaskSpec::work) work, const CommandOptions& options) {
  for (const auto& [name, value] : options.env) {
    if (name.empty() || name.find('=') != name.npos) {
      throw InputError(fmt::format("'{}' cannot be an environment variable; rename it", name));
    }
    require_c_string(name, "an environment variable");
    require_c_string(value, "an environment variable");
  }
  require_c_string(options.cwd, "a working directory");
  TaskSpec spec;
  spec.work = std::move(work);
  spec.label = options.label;
  set_limits(options, spec);
  spec.env = options.env;
  spec.cwd = options.cwd;
  spec.stdin_text = options.stdin_text;
  return spec;
}

}  // namespace

struct BatchWriter::Implementation {
  explicit Implementation(const std::string& path) : file(path) {}
  BatchFileWriter file;
  bool finished = false;
};

BatchWriter::BatchWriter(const std::string& path) : implementation_(std::make_unique<Implementation>(path)) {}
BatchWriter::~BatchWriter() = default;
BatchWriter::BatchWriter(BatchWriter&& other) noexcept = default;
BatchWriter& BatchWriter::operator=(BatchWriter&& other) noexcept = default;

BatchWriter::Implementation& BatchWriter::unfinished() {
  if (!implementation_) throw std::logic_error("a batch file is written by a writer that was moved from");
  if (implementation_->finished) throw std::logic_error("a batch file is written to after finish()");
  return *implementation_;
}

void BatchWriter::add_command(const std::string& line, const CommandOptions& options) {
  require_c_string(line, "a command");
  if (line.empty()) throw InputError("a command is empty; give its line");
  unfinished().file.add(with_options(ShellCommand{line}, options));
}

void BatchWriter::add_argv(const std::vector<std::string>& argv, const CommandOptions& options) {
  for (const std::string& argument : argv) require_c_string(argument, "an argument");
  if (argv.empty() || argv.front().empty()) throw InputError("a command names no program; put it first");
  unfinished().file.add(with_options(ArgvCommand{argv}, options));
}

void BatchWriter::add_call(const detail::CallFields& fields) {
  if (!fields.kept.empty()) {
    throw InputError(
        fmt::format("a call of {} refers to a shared value, which ends with its pool; write the value itself",
                    fields.function));
  }
  unfinished().file.add(call_spec(fields));
}

void BatchWriter::finish() {
  Implementation& writer = unfinished();
  writer.file.finish();
  writer.finished = true;
}

}  // namespace parrun
