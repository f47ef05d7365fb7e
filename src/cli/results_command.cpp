#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <set>

#include "base/stderr.hpp"
#include "base/stdout.hpp"
#include "cli/commands.hpp"
#include "cli/result_lines.hpp"
#include "core/outcome.hpp"
#include "core/state_counts.hpp"
#include "parrun/errors.hpp"
#include "record/record_set.hpp"
#include "report/printer.hpp"

namespace parrun {
namespace {

using record::Row;
using record::Selection;
using record::Texts;

constexpr std::size_t kMissingShown = 10;

struct ResultsOptions {
  std::vector<std::string> files;  ///< of shards of one batch
  std::string format = "table";
  std::vector<std::string> states;
  std::vector<std::uint64_t> tasks;
  std::vector<std::string> columns;
  std::optional<std::uint64_t> stdout_of;
  std::optional<std::uint64_t> stderr_of;
  bool indices = false;
};

// How rows are written: what comes before them, each, and what must be read of it.
struct Listing {
  std::string header;
  std::function<std::string(const Row&)> line;
  Texts texts = Texts::without;
};

Listing listing_of_columns(const std::string& format, const std::vector<std::string>& names) {
  const Columns columns = find_columns(names);
  const auto has_long_text = [](const Column& column) { return column.is_long_text; };
  Listing listing;
  if (std::any_of(columns.begin(), columns.end(), has_long_text)) listing.texts = Texts::with;
  if (format == "jsonl") {
    listing.line = [columns](const Row& row) { return json_line(columns, row); };
  } else if (format == "csv") {
    listing.header = csv_header(columns);
    listing.line = [columns](const Row& row) { return csv_line(columns, row); };
  } else {
    listing.header = table_header(columns);
    listing.line = [columns](const Row& row) { return table_line(columns, row); };
  }
  return listing;
}

// As the run itself prints it with --format jsonl.
std::string run_line(const Row& row) { return print(row.outcome, row.label, Format::jsonl).out; }

Listing listing_of(const ResultsOptions& options) {
  if (options.indices) {
    return {.header = "",
            .line = [](const Row& row) { return fmt::format("{}\n", row.outcome.task.get()); },
            .texts = Texts::without};
  }
  if (!options.columns.empty()) return listing_of_columns(options.format, options.columns);
  if (options.format == "jsonl") return {.header = "", .line = run_line, .texts = Texts::with};
  return listing_of_columns(options.format, options.format == "csv" ? csv_columns() : table_columns());
}

Selection selection_of(const ResultsOptions& options) {
  Selection selection;
  for (const std::string& name : options.states) selection.states.push_back(*parse_state(name));
  for (const std::uint64_t task : options.tasks) selection.tasks.emplace_back(task);
  return selection;
}

// Tasks that were asked for by their index and have no row, whatever the state asked for.
void tell_missing(const RecordSet& records, const ResultsOptions& options) {
  if (options.tasks.empty()) return;
  std::set<std::uint64_t> missing(options.tasks.begin(), options.tasks.end());
  records.for_each({.tasks = selection_of(options).tasks}, Texts::without,
                   [&](const Row& row) { missing.erase(row.outcome.task.get()); });
  if (missing.empty()) return;
  const std::size_t count = missing.size();
  while (missing.size() > kMissingShown) missing.erase(std::prev(missing.end()));
  print_to_stderr("parrun: no outcome of task {}{} in {}\n", fmt::join(missing, ", "),
                  count > missing.size() ? fmt::format(" and {} more", count - missing.size()) : "",
                  fmt::join(options.files, ", "));
}

void print_text_of(std::uint64_t task, std::string Outcome::*text, const RecordSet& records,
                   const ResultsOptions& options) {
  bool found = false;
  records.for_each({.tasks = {TaskId(task)}}, Texts::with, [&](const Row& row) {
    found = true;
    write_stdout(row.outcome.*text);
  });
  if (!found) {
    throw InputError(fmt::format("task {} has no outcome in {}; 'parrun status {}' tells what has", task,
                                 fmt::join(options.files, ", "), fmt::join(options.files, " ")));
  }
}

int run_results(const ResultsOptions& options) {
  const RecordSet records(options.files);
  if (options.stdout_of) {
    print_text_of(*options.stdout_of, &Outcome::stdout_text, records, options);
  } else if (options.stderr_of) {
    print_text_of(*options.stderr_of, &Outcome::stderr_text, records, options);
  } else {
    const Listing listing = listing_of(options);
    write_stdout(listing.header);
    records.for_each(selection_of(options), listing.texts,
                     [&](const Row& row) { write_stdout(listing.line(row)); });
  }
  flush_stdout();
  tell_missing(records, options);
  return 0;
}

std::vector<std::string> state_names() {
  std::vector<std::string> names;
  names.reserve(kStates.size());
  for (const State state : kStates) names.emplace_back(to_string(state));
  return names;
}

// CLI11's own conversion takes -1 and what is too large for numbers. Empty: all is well.
std::string task_index(const std::string& text) {
  std::uint64_t task = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), task);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole ? "" : fmt::format("'{}' is no task's index, a number from 0", text);
}

// `--state failed,lost FILE`: the commas make the list, the next word is not of it.
template <typename T>
CLI::Option* add_list(CLI::App& command, const char* name, std::vector<T>& list, const char* help) {
  return command.add_option(name, list, help)->delimiter(',')->allow_extra_args(false);
}

}  // namespace

void add_results(CLI::App& app, Action& chosen) {
  auto options = std::make_shared<ResultsOptions>();
  CLI::App* command = app.add_subcommand("results", "Print the outcomes in run records");
  command->footer(kReadersFooter);
  command
      ->add_option("FILE", options->files,
                   "A run record, of a running job too; several of shards of one batch are read as one")
      ->type_name("JOBS.RECORD")
      ->required();
  CLI::Option* format =
      command->add_option("--format", options->format, "table, csv, or jsonl as a run prints it")
          ->check(CLI::IsMember({"table", "csv", "jsonl"}))
          ->capture_default_str();
  CLI::Option* states = add_list(*command, "--state", options->states, "Only outcomes of these states")
                            ->check(CLI::IsMember(state_names()))
                            ->type_name("STATE[,STATE...]");
  CLI::Option* tasks = add_list(*command, "--task", options->tasks, "Only these tasks")
                           ->check(task_index)
                           ->type_name("N[,N...]");
  CLI::Option* columns = add_list(*command, "--columns", options->columns, "These, in this order")
                             ->check(CLI::IsMember(column_names()))
                             ->type_name("NAME[,NAME...]");
  CLI::Option* indices = command
                             ->add_flag("--indices", options->indices,
                                        "Only the tasks' indices, a line each, as for pack --indices -")
                             ->excludes(format)
                             ->excludes(columns);
  const auto add_text_of = [&](const char* name, std::optional<std::uint64_t>& task, const char* help) {
    return command->add_option(name, task, help)
        ->check(task_index)
        ->type_name("N")
        ->excludes(format)
        ->excludes(states)
        ->excludes(tasks)
        ->excludes(columns)
        ->excludes(indices);
  };
  CLI::Option* stdout_of =
      add_text_of("--stdout-of", options->stdout_of, "What task N wrote to stdout, byte for byte");
  add_text_of("--stderr-of", options->stderr_of, "Likewise to stderr")->excludes(stdout_of);
  command->callback([options, &chosen] { chosen = [options] { return run_results(*options); }; });
}

}  // namespace parrun
