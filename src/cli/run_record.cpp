#include <fmt/format.h>

#include <filesystem>

#include "base/file_system.hpp"
#include "cli/run_arguments.hpp"
#include "cli/task_text.hpp"
#include "parrun/errors.hpp"

namespace parrun {
namespace {

namespace fs = std::filesystem;

// As one could type it again.
std::string command_line(const std::vector<std::string>& words) {
  std::string line = "parrun";
  for (std::size_t i = 1; i < words.size(); ++i) line += " " + quoted(words[i]);
  return line;
}

// The same command, that goes on with what this run leaves; it stands first, for behind the batch may stand
// anything.
std::string resume_command(const RunArguments& arguments) {
  std::vector<std::string> words;
  bool resumes = false;
  for (const std::string& word : arguments.words) {
    resumes = resumes || word == "--resume" || word == "--resume-failed";
    if (word != "--overwrite" && !word.starts_with("--overwrite=")) words.push_back(word);
  }
  if (!resumes) words.insert(words.begin() + 1, "--resume");
  // By hand there is no job array.
  const bool implied = !arguments.run.shard.whole() && arguments.shard.empty();
  if (implied) words.insert(words.begin() + 1, {"--shard", to_string(arguments.run.shard)});
  return command_line(words);
}

void refuse_record_contradictions(const RunArguments& arguments) {
  if (arguments.requeue && (arguments.no_record || arguments.overwrite)) {
    throw InputError(
        "--requeue goes on with the record, when the job comes again; leave out --no-record and --overwrite");
  }
  if (arguments.overwrite && arguments.resume) {
    throw InputError("--overwrite begins anew and --resume goes on; give one of them");
  }
  if (!arguments.no_record) return;
  if (!arguments.record.empty())
    throw InputError("--record and --no-record contradict each other; give one of them");
  if (arguments.resume || arguments.overwrite || arguments.run.replay) {
    throw InputError(
        "--resume, --resume-failed, --replay and --overwrite are about a record; leave out --no-record");
  }
  // The first tasks may be the last to start, and results that wait for theirs must lie somewhere.
  if (arguments.run.order == Order::submission && arguments.run.longest_first) {
    throw InputError(
        "--order submission with --order-by longest-first needs a record, where results wait for their turn; "
        "leave out --no-record");
  }
}

// jobs.record -> jobs.3-of-10.record
std::string name_of_part(fs::path path, const Shard& shard) {
  if (shard.whole()) return path.string();
  const std::string extension = path.extension().string();
  return path.replace_extension(fmt::format("{}-of-{}{}", shard.number, shard.count, extension)).string();
}

// jobs.bin -> jobs.record
std::string record_path(const RunArguments& arguments) {
  if (!arguments.record.empty()) return arguments.record;
  return name_of_part(fs::path(arguments.run.batch_file).replace_extension("record"), arguments.run.shard);
}

// Each part would replace what the others have written. /dev/stderr or a FIFO is there already, for all.
std::string joblog_path(const RunArguments& arguments) {
  const std::string& joblog = arguments.console.joblog;
  std::error_code ignored;
  const fs::file_type type = fs::status(joblog, ignored).type();
  const bool is_file = type == fs::file_type::regular || type == fs::file_type::not_found;
  return joblog.empty() || !is_file ? joblog : name_of_part(joblog, arguments.run.shard);
}

// Under whatever name, and also where it is yet to be.
bool are_one_file(const fs::path& one, const fs::path& other) {
  std::error_code ignored;
  return fs::equivalent(one, other, ignored) ||
         fs::weakly_canonical(link_target(one), ignored) == fs::weakly_canonical(link_target(other), ignored);
}

void refuse_joblog_on_record(const RunArguments& arguments) {
  const std::string& joblog = arguments.console.joblog;
  if (joblog.empty()) return;
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {  // SQLite's own
    if (!are_one_file(joblog, arguments.run.record->path + suffix)) continue;
    throw InputError(fmt::format("--joblog {} is where the run is recorded; give it another name", joblog));
  }
}

}  // namespace

void read_record_options(RunArguments& arguments) {
  using Existing = record::OpenOptions::Existing;
  arguments.resume = arguments.resume || arguments.resume_failed;
  refuse_record_contradictions(arguments);
  arguments.console.append_joblog = arguments.resume;
  arguments.console.joblog = joblog_path(arguments);
  if (arguments.no_record) return;
  const Existing existing = arguments.resume      ? Existing::resume
                            : arguments.overwrite ? Existing::overwrite
                                                  : Existing::refuse;
  arguments.run.record = {.path = record_path(arguments),
                          .existing = existing,
                          .resume_failed = arguments.resume_failed,
                          .command = command_line(arguments.words)};
  refuse_joblog_on_record(arguments);
  arguments.console.resume_command = resume_command(arguments);
}

}  // namespace parrun
