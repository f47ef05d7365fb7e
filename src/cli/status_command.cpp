#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/host.hpp"
#include "base/stdout.hpp"
#include "cli/commands.hpp"
#include "cli/status_text.hpp"
#include "record/holder.hpp"
#include "record/reader.hpp"

namespace parrun {
namespace {

constexpr std::size_t kSlowestShown = 5;
constexpr std::size_t kFailuresShown = 10;

record::Summary read_summary(const std::string& file) {
  return RecordReader(file).summary(kSlowestShown, kFailuresShown);
}

Seen look_for(const record::Run& run) {
  const record::Holder holder{.host = run.host, .pid = static_cast<pid_t>(run.pid), .process = run.process};
  if (holder.host != host_name()) return Seen::elsewhere;
  return record::is_alive(holder) ? Seen::alive : Seen::gone;
}

record::Summary print_status(const std::string& file) {
  record::Summary summary = read_summary(file);
  const Seen seen = look_for(summary.last_run);
  // A run records its end before its process ends: it may have done both between the two looks.
  if (seen == Seen::gone && !summary.last_run.ended_s) summary = read_summary(file);
  const double now_s = wall_clock_s();
  write_stdout(status_text(file, summary, seen, now_s));
  return summary;
}

int run_status(const std::vector<std::string>& files) {
  std::vector<record::Summary> summaries;
  for (const std::string& file : files) {
    summaries.push_back(print_status(file));
    if (files.size() > 1) write_stdout("\n");
  }
  if (files.size() > 1) write_stdout(total_text(summaries));
  flush_stdout();
  return 0;
}

}  // namespace

void add_status(CLI::App& app, Action& chosen) {
  auto files = std::make_shared<std::vector<std::string>>();
  CLI::App* command = app.add_subcommand("status", "Tell how far the run of a record is, or how it ended");
  command->footer(kReadersFooter);
  command->add_option("FILE", *files, "A run record, of a running job too; several are told of in turn")
      ->type_name("JOBS.RECORD")
      ->required();
  command->callback([files, &chosen] { chosen = [files] { return run_status(*files); }; });
}

}  // namespace parrun
