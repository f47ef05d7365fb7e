#pragma once
// Batches for the end-to-end tests, packed by the program under test itself.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "support/temp_dir.hpp"

namespace parrun::test {

/// The module of task functions built from tests/mpi/jobs/NAME.cpp.
std::string test_module(std::string_view name = "bad");
/// The module built from jobs/NAME.cpp.
std::string user_module(std::string_view name);

// A batch, built task by task:
//   Batch().call("echo", {"hello"}).with("label", "first").command("exit 3").pack(dir)
class Batch {
 public:
  using Json = nlohmann::json;

  Batch& command(const std::string& line) { return add({{"command", line}}); }
  Batch& argv(const std::vector<std::string>& argv) { return add({{"argv", argv}}); }
  Batch& call(const std::string& function, const std::vector<Json>& args = {}) {
    return add({{"call", function}, {"args", args}});
  }
  Batch& add(Json task) {
    tasks_.push_back(std::move(task));
    return *this;
  }
  /// Sets a field of the last task: label, timeout, retries, env, cwd, stdin. REQUIRES: there is one.
  Batch& with(const std::string& field, Json value) {
    tasks_.back()[field] = std::move(value);
    return *this;
  }
  /// Adds a module to those that pack() and a run load; tests/mpi/jobs/bad.cpp's is there from the start.
  Batch& load(const std::string& module) {
    modules_.push_back(module);
    return *this;
  }

  /// --load MODULE for each module: what `parrun` wants before the batch's path.
  std::vector<std::string> load_options() const;

  /// The arguments that run `jobs_bin`: `options`, then the modules, then the path.
  std::vector<std::string> run_args(const std::string& jobs_bin, std::vector<std::string> options = {}) const;

  /// One JSON object a line.
  std::string json_lines() const;

  /// Packs it to `name` in `dir`; returns its path. Throws std::runtime_error with what `parrun pack` said.
  std::string pack(const TempDir& dir, std::string_view name = "jobs.bin") const;

 private:
  std::vector<Json> tasks_;
  std::vector<std::string> modules_{test_module()};
};

}  // namespace parrun::test
