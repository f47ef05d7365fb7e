#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/shown_text.hpp"
#include "base/sqlite_magic.hpp"
#include "base/stderr.hpp"
#include "batch/pack.hpp"
#include "cli/commands.hpp"
#include "exec/registry.hpp"
#include "parrun/errors.hpp"
#include "record/reader.hpp"

namespace parrun {
namespace {

constexpr const char* kPackFooter =
    R"(Durations in JSON: a number of seconds, or "500ms" "3s" "2m" "1h30m" "1:30:00".
Sizes: a number of bytes, or "512K" "512M" "1.5G", in powers of 1024.
Exit codes: 0 the batch file was written; 2 usage or unusable input, none was; 3 internal error.)";

struct PackOptions {
  std::string input;    ///< empty: the tasks of `from` at `indices`
  std::string from;     ///< empty: `input`
  std::string indices;  ///< empty: `input`, or all tasks of `from`
  std::string output;
  std::string costs_from;  ///< a record, or empty
  bool jsonl = false;
  std::vector<std::string> modules;
};

// "; there is a, b": some of the functions that there are, if any.
std::string known() {
  constexpr std::size_t kShown = 10;
  const std::vector<std::string> names = registered_names();
  if (names.empty()) return {};
  const auto shown = std::span(names).first(std::min(names.size(), kShown));
  return fmt::format("; there is {}{}", fmt::join(shown, ", "), shown.size() < names.size() ? ", ..." : "");
}

Bytes arguments_from_json(std::string_view name, std::string_view json) {
  const Function* function = find_function(name);
  if (function == nullptr) {
    throw InputError(
        fmt::format("unknown function '{}'; give --load the module that registers it{}", name, known()));
  }
  if (function->arguments_from_json == nullptr) {
    throw InputError(fmt::format(
        "the arguments of '{}' have no JSON form; write its calls with parrun::BatchWriter", name));
  }
  return function->arguments_from_json(name, json);
}

// Either FILE or --from.
void check(const PackOptions& options) {
  const bool selects = !options.from.empty() || !options.indices.empty();
  if (!selects && options.input.empty()) {
    throw InputError("nothing to pack; give a FILE of commands, or --from a batch file");
  }
  if (!selects) return;
  if (options.from.empty()) {
    throw InputError("--indices without --from; give --from the batch file that has these tasks");
  }
  if (!options.input.empty()) {
    throw InputError(fmt::format("--from and the FILE {} exclude each other; give one", options.input));
  }
  if (options.jsonl) throw InputError("--jsonl is for a FILE, --from for a batch that is packed; give one");
  if (!options.modules.empty()) {
    throw InputError("--load is for a FILE, --from for a batch that is packed; leave --load out");
  }
}

void refuse_to_replace(const std::string& input, const std::string& output) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (fs::is_regular_file(output, ignored) && fs::equivalent(input, output, ignored)) {
    throw InputError(fmt::format("-o {} would replace the input itself; give another name", output));
  }
}

// The slip of a finger after a long run. (To look into a FIFO would wait for who writes to it.)
void refuse_to_replace_record(const std::string& output) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(output, ignored)) return;
  std::string magic(kSqliteMagic.size(), '\0');
  std::ifstream(output, std::ios::binary).read(magic.data(), static_cast<std::streamsize>(magic.size()));
  if (magic == kSqliteMagic)
    throw InputError(
        fmt::format("-o {} would replace a run record; give another name, or remove it", output));
}

std::ifstream open_text(const std::string& path, const char* content) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    throw InputError(fmt::format("{} is a directory; give a file of {}", path, content));
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    throw InputError(fmt::format("cannot open {}: {}; give a file of {} that can be read, or -", path,
                                 std::strerror(errno), content));
  }
  return in;
}

// What tasks took: by their label, of which the mean counts, or where they have none by their number.
CostOf costs_from(const std::string& record) {
  struct Mean {
    double sum_s = 0;
    double count = 0;
  };
  auto by_label = std::make_shared<std::unordered_map<std::string, Mean>>();
  auto by_number = std::make_shared<std::unordered_map<TaskId, double>>();
  RecordReader(record).for_each({.states = {State::succeeded}}, record::Texts::without,
                                [&](const record::Row& row) {
                                  const double elapsed_s = row.outcome.elapsed_s;
                                  if (row.label.empty()) {
                                    by_number->emplace(row.outcome.task, elapsed_s);
                                  } else {
                                    Mean& mean = (*by_label)[row.label];
                                    mean.sum_s += elapsed_s;
                                    ++mean.count;
                                  }
                                });
  return [by_label, by_number](const std::string& label, TaskId task) -> std::optional<double> {
    if (label.empty()) {
      const auto found = by_number->find(task);
      return found != by_number->end() ? std::optional(found->second) : std::nullopt;
    }
    const auto found = by_label->find(label);
    if (found == by_label->end()) return std::nullopt;
    return found->second.sum_s / found->second.count;
  };
}

void pack(const PackOptions& options, std::istream& in, const std::string& name, BatchFileWriter& out) {
  const CostOf cost_of = options.costs_from.empty() ? CostOf() : costs_from(options.costs_from);
  if (!options.from.empty() && options.indices.empty()) {
    pack_all(BatchFile(options.from), out, cost_of);
  } else if (!options.from.empty()) {
    pack_selection(in, name, BatchFile(options.from), options.from, out, cost_of);
  } else if (options.jsonl) {
    pack_jsonl(in, name, arguments_from_json, out, cost_of);
  } else {
    pack_commands(in, name, out, cost_of);
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
  check(options);
  for (const std::string& module : options.modules) load_module(module);
  const bool selects = !options.from.empty();
  const std::string& input = selects ? options.indices : options.input;
  for (const std::string& read : {options.from, input, options.costs_from})
    refuse_to_replace(read, options.output);
  refuse_to_replace_record(options.output);
  const bool from_stdin = input == "-";
  std::ifstream file;
  if (!from_stdin && !input.empty()) file = open_text(input, selects ? "task indices" : "commands");
  const auto out = open_output(options.output);
  std::ios::sync_with_stdio(false);
  pack(options, from_stdin ? std::cin : file, from_stdin ? "stdin" : input, *out);
  print_to_stderr("parrun: packed {}, {} bytes, into {}\n", plural(out->task_count(), "task"), out->bytes(),
                  options.output == "-" ? "stdout" : options.output);
  return 0;
}

}  // namespace

void add_pack(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<PackOptions>();
  CLI::App* command =
      app.add_subcommand("pack", "Make a batch file of commands, JSON lines, or tasks of another");
  command->footer(kPackFooter);
  command->add_option("FILE", options->input, "A command a line, run by /bin/sh -c; - is stdin");
  command->add_flag("--jsonl", options->jsonl,
                    "FILE holds a JSON object a line: {\"command\": \"...\"} or {\"argv\": [...]} or "
                    "{\"call\": \"name\", \"args\": [...]}, with optional label, timeout, retries, "
                    "memory_limit, cpu_limit, "
                    "output_limit, cost, env, cwd, stdin");
  command->add_option("--load", options->modules, "Modules whose task functions are called")
      ->type_name("MODULE")
      ->allow_extra_args(false);
  command
      ->add_option("--from", options->from,
                   "Instead of FILE: pack this batch file's tasks, as they are there")
      ->type_name("JOBS.BIN");
  command
      ->add_option("--indices", options->indices,
                   "Which tasks of --from, in this order: an index a line; - is stdin; all where not given")
      ->type_name("FILE");
  command
      ->add_option(
          "--costs-from", options->costs_from,
          "What each task may be expected to take, from the record of an earlier run: the mean of its label, "
          "or where it has none what the task of its number took; for --order-by longest-first")
      ->type_name("RECORD");
  command->add_option("-o,--output", options->output, "The batch file; - is stdout")
      ->type_name("JOBS.BIN")
      ->required();
  command->callback([options, &chosen] { chosen = [options] { return run_pack(*options); }; });
}

}  // namespace parrun
