#include "support/batch.hpp"

#include <stdexcept>

#include "support/run_parrun.hpp"

namespace parrun::test {
namespace {

std::string module_in(std::string_view folder, std::string_view name) {
  return std::string(folder) + "/" + std::string(name) + ".so";
}

}  // namespace

std::string test_module(std::string_view name) { return module_in(PARRUN_TEST_JOBS_DIR, name); }
std::string user_module(std::string_view name) { return module_in(PARRUN_JOBS_DIR, name); }

std::vector<std::string> Batch::load_options() const {
  std::vector<std::string> options;
  for (const std::string& module : modules_) options.insert(options.end(), {"--load", module});
  return options;
}

std::vector<std::string> Batch::run_args(const std::string& jobs_bin,
                                         std::vector<std::string> options) const {
  const std::vector<std::string> load = load_options();
  options.insert(options.end(), load.begin(), load.end());
  options.push_back(jobs_bin);
  return options;
}

std::string Batch::json_lines() const {
  std::string lines;
  for (const Json& task : tasks_) lines += task.dump() + "\n";
  return lines;
}

std::string Batch::pack(const TempDir& dir, std::string_view name) const {
  std::string path = dir.file(name);
  const std::string source = dir.write(std::string(name) + ".jsonl", json_lines());
  std::vector<std::string> args{"pack", source, "--jsonl", "-o", path};
  const std::vector<std::string> load = load_options();
  args.insert(args.end(), load.begin(), load.end());
  const JobResult packed = run_parrun(0, args);
  if (packed.exit_code != 0) {
    throw std::runtime_error("parrun pack ended with " + std::to_string(packed.exit_code) + ": " +
                             packed.err);
  }
  return path;
}

}  // namespace parrun::test
