#pragma once
// What a run shows its user: results on stdout, failures, progress and the summary on stderr.

#include <functional>
#include <memory>
#include <string>

#include "report/joblog.hpp"
#include "report/output.hpp"
#include "report/printer.hpp"
#include "run/batch_run.hpp"

namespace parrun {

class Console final : public RunListener {
 public:
  struct Options {
    Format format = Format::raw;
    bool progress = false;         ///< a line on stderr that is rewritten
    bool beside_progress = false;  ///< stdout is the terminal that this line is on
    bool quiet = false;            ///< no summary, no failures; results and errors only
    bool by_mpirun = false;        ///< which leaves its ranks 2 s when it is ended itself
    std::string joblog;            ///< a file in GNU parallel's format, or empty
    bool append_joblog = false;
    std::string shard_reason;                               ///< why this part of the batch, or empty
    std::string resume_command;                             ///< that goes on where this run ends early
    std::function<std::string(const TaskSpec&)> work_text;  ///< what a task is, in one line
  };

  Console(Options options, TimePoint start);

  void check() override;
  void on_error(const std::string& why) override;
  void on_start(const RunStart& start) override;
  void on_nothing_to_do() override;
  void on_no_costs() override;
  void on_ended(const Outcome& outcome, const std::string& label) override;
  void on_result(const Outcome& outcome, const std::string& label) override;
  void on_retried(const Outcome& outcome, const std::string& label) override;
  void on_turn(const Dispatcher::Counts& counts, TimePoint now) override;
  bool congested() const override;
  bool flushed() const override;
  std::optional<std::string> failure() const override;
  void on_signal(int number, Duration grace, const Dispatcher::Counts& counts,
                 const Outstanding& outstanding) override;
  void on_limit(const Expiry& expiry, const Outstanding& outstanding) override;
  void on_halt(const HaltRule& rule) override;
  void on_run_again(const std::string& refusal) override;
  void on_end(const Dispatcher::Counts& counts, TimePoint now) override;

 private:
  void show_failure(const std::string& line);
  void show_warning(const Outcome& outcome, const std::string& label);
  void show_outstanding(const Outstanding& outstanding, const char* verb);
  void show_way_on(const Dispatcher::Counts& counts);
  std::string where_all_are(const char* options) const;
  std::string work_text(TaskId task) const;
  std::string counts_text(const Dispatcher::Counts& counts) const;
  void say(const std::string& line);
  void write_err(std::string text);
  void write_out(std::string text);
  void show_progress(const Dispatcher::Counts& counts, TimePoint now);

  Options options_;
  TimePoint start_;
  Output out_;
  Output err_;
  std::unique_ptr<Joblog> joblog_;
  const BatchFile* batch_ = nullptr;  ///< once the run has started
  std::string record_;                ///< its path, or empty
  std::uint64_t tasks_ = 0;           ///< of this run's shard
  StateCounts ended_;                 ///< tasks, those of earlier runs included
  std::uint64_t failures_shown_ = 0;
  std::uint64_t warnings_shown_ = 0;
  bool limit_reached_ = false;
  bool stopped_early_ = false;
  TimePoint last_progress_{};
  bool progress_shown_ = false;     ///< behind it nothing has been written to stderr
  bool progress_over_out_ = false;  ///< behind the last result
};

}  // namespace parrun
