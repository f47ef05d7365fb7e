#include "batch/pack.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>
#include <vector>

#include "batch/c_string.hpp"
#include "parrun/errors.hpp"

namespace parrun {
namespace {

// Some editors put it at the beginning of a UTF-8 text.
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

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
    if (number == 1 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
    if (line.ends_with('\r')) line.pop_back();
    if (line.find_first_not_of(" \t") != line.npos) out.add(read_task());
  }
  if (in.bad()) {
    throw InputError(
        fmt::format("{}:{}: reading failed behind this line; check the file and its disk", name, number));
  }
}

std::string_view without_blanks(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  return line.substr(0, line.find_last_not_of(kBlanks) + 1);
}

// A number that is too large for an index is that of no task.
std::uint64_t parse_index(std::string_view text) {
  std::uint64_t index = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, index);
  if (stop != end || error == std::errc::invalid_argument) {
    throw InputError(fmt::format("'{:.40}' is no task index; give a number from 0 on, one a line", text));
  }
  return error == std::errc() ? index : std::numeric_limits<std::uint64_t>::max();
}

// Reads indices of a batch's tasks, each of which may come once.
class Selection {
 public:
  Selection(const BatchFile& batch, const std::string& name)
      : name_(name), size_(batch.size()), chosen_(batch.size()) {}

  TaskId choose(std::string_view text) {
    const std::uint64_t index = parse_index(text);
    if (index >= size_) {
      throw InputError(fmt::format("task {:.40} is not in {}, which has {}", text, name_,
                                   size_ == 0 ? "no tasks" : fmt::format("tasks 0 to {}", size_ - 1)));
    }
    if (chosen_[index]) {
      throw InputError(fmt::format("task {} stands there a second time; name each task once", index));
    }
    chosen_[index] = true;
    return TaskId(index);
  }

 private:
  const std::string& name_;
  std::uint64_t size_;
  std::vector<bool> chosen_;  ///< by task: a bit each
};

TaskSpec with_cost(TaskSpec spec, const CostOf& cost_of, TaskId task) {
  if (cost_of && !spec.cost) spec.cost = cost_of(spec.label, task);
  return spec;
}

}  // namespace

void pack_commands(std::istream& in, const std::string& name, BatchFileWriter& out, const CostOf& cost_of) {
  TaskSpec spec;
  pack_lines(in, name, out, [&](const std::string& line) -> const TaskSpec& {
    if (cost_of) spec.cost = cost_of(spec.label, TaskId(out.task_count()));
    if (line.find('\0') != line.npos) {
      throw InputError("a NUL byte in it, which no command can hold; give a text file, a command a line");
    }
    require_c_string(line, "the command");
    if (line.starts_with("{\""))
      throw InputError("it begins as a JSON object, and not as a command; give --jsonl");
    std::get<ShellCommand>(spec.work).line = line;
    return spec;
  });
}

void pack_jsonl(std::istream& in, const std::string& name, const ArgumentsFromJson& convert,
                BatchFileWriter& out, const CostOf& cost_of) {
  pack_lines(in, name, out, [&](const std::string& line) {
    return with_cost(task_from_json(line, convert), cost_of, TaskId(out.task_count()));
  });
}

void pack_all(const BatchFile& from, BatchFileWriter& out, const CostOf& cost_of) {
  for (TaskId task(0); task.get() < from.size(); task = TaskId(task.get() + 1))
    out.add(with_cost(decode_task(from.payload(task)), cost_of, task));
}

void pack_selection(std::istream& indices, const std::string& name, const BatchFile& from,
                    const std::string& from_name, BatchFileWriter& out, const CostOf& cost_of) {
  Selection selection(from, from_name);
  pack_lines(indices, name, out, [&](const std::string& line) {
    const TaskId task = selection.choose(without_blanks(line));
    return with_cost(decode_task(from.payload(task)), cost_of, task);
  });
}

}  // namespace parrun
