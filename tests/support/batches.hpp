#pragma once
// Batches for tests, and what is wrong with bad ones.

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "batch/batch_file.hpp"
#include "batch/batch_writer.hpp"
#include "batch/task_spec.hpp"
#include "parrun/errors.hpp"

namespace parrun::test {

inline std::string read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_batch(const std::string& path, const std::vector<TaskSpec>& specs) {
  BatchFileWriter writer(path);
  for (const TaskSpec& spec : specs) writer.add(spec);
  writer.finish();
}

inline std::vector<TaskSpec> tasks_of(const BatchFile& batch) {
  std::vector<TaskSpec> specs;
  for (std::uint64_t task = 0; task < batch.size(); ++task)
    specs.push_back(decode_task(batch.payload(TaskId(task))));
  return specs;
}

inline TaskSpec command(std::string line) {
  TaskSpec spec;
  spec.work = ShellCommand{std::move(line)};
  return spec;
}

inline TaskSpec call(std::string function, Bytes arguments = {}) {
  TaskSpec spec;
  spec.work = Call{std::move(function), std::move(arguments)};
  return spec;
}

/// The InputError that `action` throws, or "" where it throws none.
template <typename Action>
std::string input_error(Action action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

// Tasks of all kinds, with every field filled or not at random.
class RandomTasks {
 public:
  explicit RandomTasks(unsigned seed) : random_(seed) {}

  /// Strings of any bytes; or of printable ASCII, which JSON can hold.
  TaskSpec next(bool printable = false) {
    printable_ = printable;
    TaskSpec spec;
    const auto kind = below(3);
    if (kind == 0) spec.work = ShellCommand{fmt::format("c{}", text(40))};
    if (kind == 1) spec.work = ArgvCommand{{fmt::format("program{}", text(5)), text(20), text(0)}};
    if (kind == 2) spec.work = Call{fmt::format("function_{}", below(5)), text(60)};
    if (chance()) spec.label = text(10);
    if (chance()) spec.timeout = Duration(1 + static_cast<Duration::rep>(below(2'000'000'000'000'000)));
    if (chance()) spec.retries = static_cast<int>(below(1000));
    if (chance()) spec.resources.memory_bytes = 1 + below(std::uint64_t{1} << 60);
    if (chance()) spec.resources.cpu = Duration(1 + static_cast<Duration::rep>(below(2'000'000'000'000'000)));
    if (chance()) spec.resources.output_bytes = 1 + below(std::uint64_t{1} << 60);
    if (chance()) spec.env = {{"A", text(10)}, {"B", text(10)}};
    if (chance()) spec.cwd = fmt::format("/{}", text(10));
    if (spec.is_command() && chance()) spec.stdin_text = text(100);
    return spec;
  }

 private:
  std::uint64_t below(std::uint64_t end) {
    return std::uniform_int_distribution<std::uint64_t>(0, end - 1)(random_);
  }
  bool chance() { return below(2) == 0; }
  std::string text(std::size_t longest) {
    std::string text(below(longest + 1), ' ');
    for (char& c : text)
      c = static_cast<char>(printable_ ? ' ' + static_cast<int>(below(95)) : static_cast<int>(below(256)));
    return text;
  }

  std::mt19937 random_;
  bool printable_ = false;
};

}  // namespace parrun::test
