#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "batch/pack.hpp"
#include "cli/commands.hpp"
#include "exec/registry.hpp"
#include "parrun/errors.hpp"

namespace parrun {
namespace {

struct PackOptions {
  std::string input;
  std::string output;
  bool jsonl = false;
  std::vector<std::string> modules;
};

Bytes arguments_from_json(std::string_view name, std::string_view json) {
  const Function* function = find_function(name);
  if (function == nullptr) {
    throw InputError(fmt::format("unknown function '{}'; give --load the module that registers it", name));
  }
  if (function->arguments_from_json == nullptr) {
    throw InputError(fmt::format(
        "the arguments of '{}' have no JSON form; write its calls with parrun::BatchWriter", name));
  }
  return function->arguments_from_json(name, json);
}

std::ifstream open_input(const PackOptions& options) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (fs::is_directory(options.input, ignored)) {
    throw InputError(fmt::format("{} is a directory; give a file of commands", options.input));
  }
  if (fs::is_regular_file(options.output, ignored) &&
      fs::equivalent(options.input, options.output, ignored)) {
    throw InputError(fmt::format("-o {} would replace the input itself; give another name", options.output));
  }
  std::ifstream in(options.input, std::ios::binary);
  if (!in) {
    throw InputError(fmt::format("cannot open {}: {}; give a file of commands that can be read, or -",
                                 options.input, std::strerror(errno)));
  }
  return in;
}

void pack(const PackOptions& options, std::istream& in, const std::string& name, BatchFileWriter& out) {
  if (options.jsonl) {
    pack_jsonl(in, name, arguments_from_json, out);
  } else {
    pack_commands(in, name, out);
  }
  out.finish();
}

std::unique_ptr<BatchFileWriter> open_output(const std::string& path) {
  if (path != "-") return std::make_unique<BatchFileWriter>(path);
  if (::isatty(STDOUT_FILENO) != 0) {
    throw InputError("a batch file is binary and stdout a terminal; redirect it, or give -o a name");
  }
  return std::make_unique<BatchFileWriter>(STDOUT_FILENO, "stdout");
}

int run_pack(const PackOptions& options) {
  for (const std::string& module : options.modules) load_module(module);
  const bool from_stdin = options.input == "-";
  std::ifstream file;
  if (!from_stdin) file = open_input(options);
  const auto out = open_output(options.output);
  std::ios::sync_with_stdio(false);
  pack(options, from_stdin ? std::cin : file, from_stdin ? "stdin" : options.input, *out);
  fmt::print(stderr, "parrun: packed {} tasks, {} bytes, into {}\n", out->task_count(), out->bytes(),
             options.output == "-" ? "stdout" : options.output);
  return 0;
}

}  // namespace

void add_pack(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<PackOptions>();
  CLI::App* command = app.add_subcommand("pack", "Make a batch file of commands or JSON lines");
  command->add_option("FILE", options->input, "A command a line, run by /bin/sh -c; - is stdin")->required();
  command->add_flag("--jsonl", options->jsonl,
                    "FILE holds a JSON object a line: {\"command\": \"...\"} or {\"argv\": [...]} or "
                    "{\"call\": \"name\", \"args\": [...]}, with optional label, timeout, retries, "
                    "memory_limit, cpu_limit, "
                    "output_limit, env, cwd, stdin");
  command->add_option("--load", options->modules, "Modules whose task functions are called")
      ->type_name("MODULE")
      ->allow_extra_args(false);
  command->add_option("-o,--output", options->output, "The batch file; - is stdout")
      ->type_name("JOBS.BIN")
      ->required();
  command->callback([options, &chosen] { chosen = [options] { return run_pack(*options); }; });
}

}  // namespace parrun
