#include "cli/program.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "base/exit_code.hpp"
#include "base/launcher.hpp"
#include "base/stderr.hpp"
#include "base/stdout.hpp"
#include "cli/commands.hpp"
#include "cli/spelling.hpp"
#include "parrun/errors.hpp"

namespace parrun {
namespace {

// One line, whatever the message holds, from one rank: all have the same command line. The others leave as if
// all was well, for mpirun would kill rank 0 before it has spoken if one of them did not.
int complain(std::string message, int code) {
  if (launcher_rank() != 0) return 0;
  std::replace(message.begin(), message.end(), '\n', ' ');
  print_to_stderr("parrun: {}\n", message);
  return code;
}

// What --help and --version ask for.
int print(const CLI::App& app, const CLI::ParseError& request) {
  if (launcher_rank() != 0) return 0;
  std::ostringstream text;
  const int code = app.exit(request, text, text);
  write_stdout(text.str());
  flush_stdout();
  return code;
}

// The command that the line asked for, as one types it.
std::string command_name(const CLI::App& app) {
  const auto asked_for = app.get_subcommands();
  return asked_for.empty() ? "parrun" : "parrun " + asked_for.front()->get_name();
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

std::string did_you_mean(const std::string& name) {
  return name.empty() ? "" : fmt::format(" (did you mean {}?)", name);
}

// Names no option of the command that was asked for.
std::string of_strange_option(const CLI::App& app, const std::string& word) {
  const std::string name = word.substr(0, word.find('='));
  for (const CLI::App* other : app.get_subcommands({})) {
    if (other->get_option_no_throw(name) == nullptr) continue;
    return fmt::format("{}: it is an option of 'parrun {}', not of '{}'", name, other->get_name(),
                       command_name(app));
  }
  const auto asked_for = app.get_subcommands();
  const CLI::App& command = asked_for.empty() ? app : *asked_for.front();
  return fmt::format("{}: there is no such option{}", name,
                     did_you_mean(nearest(name, option_names(command))));
}

// What the first word was meant to be, where it is neither a command nor a batch.
std::string meant_command(const CLI::App& app, const std::vector<std::string>& words) {
  std::error_code ignored;
  if (!app.get_subcommands().empty() || words.size() < 2 || std::filesystem::exists(words[1], ignored))
    return "";
  std::vector<std::string> commands;
  for (const CLI::App* command : app.get_subcommands({})) commands.push_back(command->get_name());
  return nearest(words[1], commands);
}

// What is wrong with the words that CLI11 refuses: it would blame those that a misspelt one has left over.
std::string fault_in(const CLI::App& app, const std::vector<std::string>& words,
                     const CLI::ParseError& error) {
  const std::vector<std::string> strange = app.remaining(true);
  if (strange.empty()) return error.what();
  const std::string command = meant_command(app, words);
  if (!command.empty()) return fmt::format("{}: there is no such command{}", words[1], did_you_mean(command));
  for (const std::string& word : words) {
    if (word == "--") break;
    const bool is_strange = std::find(strange.begin(), strange.end(), word) != strange.end();
    if (is_strange && word.starts_with('-')) return of_strange_option(app, word);
  }
  const auto& batch = app.get_option("batch")->results();
  const auto too_many =
      std::find_if(strange.rbegin(), strange.rend(), [](const std::string& word) { return word != "--"; });
  if (!app.get_subcommands().empty() || batch.empty() || too_many == strange.rend()) return error.what();
  return fmt::format("{}: a run takes one batch, and '{}' is it", *too_many, batch.front());
}

// The default command's options stand beside the subcommands' names; before one they would be ignored
// silently.
void refuse_options_before_subcommand(const CLI::App& app) {
  if (app.get_subcommands().empty()) return;
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() == 0) continue;
    throw InputError(
        fmt::format("'{0}' does not belong to '{1}'; see {1} --help", option->get_name(), command_name(app)));
  }
}

[[noreturn]] void refuse_empty(const std::string& name) {
  throw InputError(
      fmt::format("{}: it is an empty word (an unset variable?); give a value, or leave it out", name));
}

// Of it, or of a subcommand.
bool is_option(const CLI::App& app, const std::string& name) {
  const auto subcommands = app.get_subcommands({});
  return app.get_option_no_throw(name) != nullptr ||
         std::any_of(subcommands.begin(), subcommands.end(),
                     [&](const CLI::App* subcommand) { return is_option(*subcommand, name); });
}

// CLI11 takes an empty word for an option that was not given; it is a script's unset variable.
void refuse_empty_words(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    const auto& words = option->results();
    if (std::find(words.begin(), words.end(), "") == words.end()) continue;
    refuse_empty(option->get_name());
  }
  for (const CLI::App* subcommand : app.get_subcommands()) refuse_empty_words(*subcommand);
}

// Of `--timeout= jobs.bin` CLI11 would take jobs.bin for the value.
void refuse_empty_values(const CLI::App& app, const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word == "--") return;
    if (!word.starts_with("--") || word.find('=') != word.size() - 1) continue;
    const std::string name = word.substr(0, word.size() - 1);
    if (is_option(app, name)) refuse_empty(name);
  }
}

// Else the next file that is opened would be stdin, stdout or stderr, and get what is said there. One still
// cannot read or write the first two; what goes to stderr is dropped.
void occupy_closed_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    [[maybe_unused]] const int occupied = open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_WRONLY);
  }
}

}  // namespace

int run_program(int argc, const char* const* argv) try {
  occupy_closed_streams();
  CLI::App app("Runs a batch of tasks over MPI; every run ends.", "parrun");
  app.set_version_flag("--version", "parrun " PARRUN_VERSION);
  app.require_subcommand(0, 1);
  Action chosen;
  const std::vector<std::string> words(argv, argv + argc);
  add_run(app, chosen, words);
  add_pack(app, chosen);
  add_show(app, chosen);
  add_results(app, chosen);
  add_status(app, chosen);
  add_doctor(app, chosen);
  refuse_empty_values(app, words);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return print(app, error);
    return complain(fmt::format("{}; see {} --help", fault_in(app, words, error), command_name(app)),
                    exit_code::kUsage);
  }
  refuse_options_before_subcommand(app);
  refuse_empty_words(app);
  return chosen();
} catch (const InputError& error) {
  return complain(error.what(), exit_code::kUsage);
} catch (const std::exception& error) {
  print_to_stderr("parrun: rank {}: {}\n", launcher_rank(), error.what());
  return exit_code::kInternalError;
}

}  // namespace parrun
