#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "base/stdout.hpp"
#include "batch/batch_file.hpp"
#include "batch/task_json.hpp"
#include "cli/commands.hpp"
#include "cli/task_text.hpp"
#include "exec/registry.hpp"
#include "parrun/errors.hpp"

namespace parrun {
namespace {

struct ShowOptions {
  std::string input;
  std::int64_t head = std::numeric_limits<std::int64_t>::max();
  std::string format = "table";
  std::vector<std::string> modules;
};

void print(const std::string& line) { write_stdout(line + '\n'); }

// CLI11's own check prints the largest double in full. Empty: all is well.
std::string not_negative(const std::string& text) {
  return text.starts_with('-') ? text + " is below 0" : "";
}

int run_show(const ShowOptions& options) {
  for (const std::string& module : options.modules) load_module(module);
  BatchFile batch(options.input);
  const bool table = options.format == "table";
  if (table) print(fmt::format("{:>8}  {:<12}  {}", "task", "label", "work"));
  const std::uint64_t count = std::min(static_cast<std::uint64_t>(options.head), batch.size());
  for (std::uint64_t task = 0; task < count; ++task) {
    const TaskSpec spec = decode_task(batch.payload(TaskId(task)));
    print(table
              ? fmt::format("{:>8}  {:<12}  {}", task, shown_label(spec), shown_work(spec, arguments_to_json))
              : task_to_json(spec, arguments_to_json));
    batch.release_before(TaskId(task));
  }
  if (table && count < batch.size()) print(fmt::format("and {} more", batch.size() - count));
  flush_stdout();
  return 0;
}

}  // namespace

void add_show(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<ShowOptions>();
  CLI::App* command = app.add_subcommand("show", "Print the tasks of a batch file");
  command->footer(kReadersFooter);
  command->add_option("FILE", options->input, "A batch file")->type_name("JOBS.BIN")->required();
  command->add_option("--head", options->head, "Only the first N tasks")->check(not_negative)->type_name("N");
  command->add_option("--format", options->format, "table, or jsonl, which can be packed again")
      ->check(CLI::IsMember({"table", "jsonl"}))
      ->capture_default_str();
  command
      ->add_option("--load", options->modules,
                   "Modules whose task functions are called, to show their arguments")
      ->type_name("MODULE");
  command->callback([options, &chosen] { chosen = [options] { return run_show(*options); }; });
}

}  // namespace parrun
