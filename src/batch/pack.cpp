#include "batch/pack.hpp"

#include <fmt/format.h>

#include "parrun/errors.hpp"

namespace parrun {
namespace {

// Gives each line that is not blank to `make_task`, and its task to `out`.
template <typename MakeTask>
void pack_lines(std::istream& in, const std::string& name, BatchFileWriter& out, MakeTask make_task) {
  std::string line;
  std::uint64_t number = 0;
  const auto read_task = [&]() -> decltype(auto) {
    try {
      return make_task(line);
    } catch (const InputError& error) {
      throw InputError(fmt::format("{}:{}: {}", name, number, error.what()));
    }
  };
  while (std::getline(in, line)) {
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.find_first_not_of(" \t") != line.npos) out.add(read_task());
  }
  if (in.bad()) {
    throw InputError(
        fmt::format("{}:{}: reading failed behind this line; check the file and its disk", name, number));
  }
}

}  // namespace

void pack_commands(std::istream& in, const std::string& name, BatchFileWriter& out) {
  TaskSpec spec;
  pack_lines(in, name, out, [&](const std::string& line) -> const TaskSpec& {
    if (line.find('\0') != line.npos) {
      throw InputError("a NUL byte in it, which no command can hold; give a text file, a command a line");
    }
    std::get<ShellCommand>(spec.work).line = line;
    return spec;
  });
}

void pack_jsonl(std::istream& in, const std::string& name, const ArgumentsFromJson& convert,
                BatchFileWriter& out) {
  pack_lines(in, name, out, [&](const std::string& line) { return task_from_json(line, convert); });
}

}  // namespace parrun
