#pragma once
// What a run shows its user: results on stdout, failures, progress and the summary on stderr.

#include <array>
#include <map>
#include <string>

#include "report/output.hpp"
#include "report/printer.hpp"
#include "run/batch_run.hpp"

namespace parrun {

enum class Order { completion, submission };

class Console final : public RunListener {
 public:
  struct Options {
    Format format = Format::raw;
    Order order = Order::completion;
    bool progress = false;  ///< a line on stderr that is rewritten
    bool quiet = false;     ///< no summary, no failures; results and errors only
  };

  Console(Options options, TimePoint start);

  void on_refused(const std::string& why) override;
  void on_outcome(const Outcome& outcome, const TaskHead& task) override;
  void on_retried(const Outcome& outcome, const TaskHead& task) override;
  void on_turn(const Dispatcher::Counts& counts, TimePoint now) override;
  bool congested() const override;
  bool flushed() const override { return out_.flushed() && err_.flushed(); }
  bool output_failed() const override { return out_.failed(); }
  void on_limit(const Expiry& expiry, const std::vector<TimeoutError::Outstanding>& outstanding) override;
  void on_halt(const HaltRule& rule) override;
  void on_end(const Dispatcher::Counts& counts, TimePoint now) override;

 private:
  void deliver(Printed printed);
  void show_failure(const std::string& line);
  void show_warning(const Outcome& outcome, const TaskHead& task);
  std::uint64_t ended(State state) const { return ended_[static_cast<std::size_t>(state)]; }
  void say(const std::string& line);
  void show_progress(const Dispatcher::Counts& counts, TimePoint now);

  Options options_;
  TimePoint start_;
  Output out_;
  Output err_;
  std::map<TaskId, Printed> held_;  ///< submission order: results that earlier tasks must come before
  std::size_t held_bytes_ = 0;
  TaskId next_{0};
  std::array<std::uint64_t, 5> ended_{};  ///< attempts by State
  std::uint64_t failures_shown_ = 0;
  std::uint64_t warnings_shown_ = 0;
  bool limit_reached_ = false;
  TimePoint last_progress_{};
  bool progress_shown_ = false;
};

}  // namespace parrun
