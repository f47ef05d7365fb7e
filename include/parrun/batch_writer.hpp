#pragma once
// Batch files from C++: tasks written here are run by `parrun jobs.bin`.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "parrun/task.hpp"

namespace parrun {

/// What can be said about a command besides its line.
struct CommandOptions {
  std::string label = {};  ///< a name for messages and results
  std::optional<std::chrono::nanoseconds> timeout =
      {};                                          ///< a limit of its own, above zero, in place of the run's
  std::optional<int> retries = {};                 ///< further attempts, in place of the run's
  std::optional<std::uint64_t> memory_limit = {};  ///< resident, of all its processes [bytes]
  std::optional<std::chrono::nanoseconds> cpu_limit = {};  ///< user and system time of all its processes
  std::optional<std::uint64_t> output_limit = {};          ///< kept of each of its streams [bytes]
  std::optional<double> cost =
      {};  ///< what it is expected to take, for --order-by longest-first [s, or any unit]
  std::vector<std::pair<std::string, std::string>> env = {};  ///< added to the worker's environment
  std::string cwd = {};                                       ///< empty: the worker's
  std::string stdin_text = {};
};

/// Writes a batch file as a stream: its memory is 8 bytes a task. The file appears at finish(), complete; one
/// destroyed before that leaves none. Throws InputError where the file cannot be written or an argument
/// cannot be right, std::logic_error after finish() and where it was moved from. For one thread at a time;
/// needs no MPI.
class BatchWriter {
 public:
  explicit BatchWriter(const std::string& path);
  ~BatchWriter();
  BatchWriter(BatchWriter&& other) noexcept;
  BatchWriter& operator=(BatchWriter&& other) noexcept;

  /// A call: writer.add(parrun::task<simulate>(1, 2.0)).
  template <typename R>
  void add(const Task<R>& task) {
    add_call(task.fields());
  }
  /// A command line for /bin/sh -c.
  void add_command(const std::string& line, const CommandOptions& options = {});
  /// A program, looked up in PATH, and its arguments; no shell.
  void add_argv(const std::vector<std::string>& argv, const CommandOptions& options = {});

  void finish();

 private:
  struct Implementation;
  Implementation& unfinished();  ///< throws std::logic_error
  void add_call(const detail::CallFields& fields);

  std::unique_ptr<Implementation> implementation_;
};

}  // namespace parrun
