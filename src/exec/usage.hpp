#pragma once
// What an attempt used: CPU time and peak memory of the executor and of the processes that it waited for.

#include <sys/resource.h>

#include "base/clock.hpp"
#include "exec/attempt_note.hpp"
#include "parrun/outcome.hpp"

namespace parrun {

class UsageMeter {
 public:
  static constexpr Duration kTooShortToMeasure = std::chrono::microseconds(100);
  static constexpr std::size_t kWorthTrimming = std::size_t{16} << 20;  ///< [bytes] freed, and not given back

  UsageMeter();

  /// What was used since the last call, or since the beginning: fills in user_s, system_s, max_rss_kb.
  /// `with_own`: a function is executed by this process itself, a command only by its children. A max_rss_kb
  /// that is there and larger stays: of a child, as wait4 told.
  void read(bool with_own, Outcome& outcome);
  /// The same of a function that took less than kTooShortToMeasure and made no system call: it was on the
  /// processor all that time, and in the memory that was there.
  void count(Duration elapsed, Outcome& outcome);
  /// What this process and its children had used by then.
  void write_before(AttemptNote& note) const {
    note.user_s = before_.user_s;
    note.system_s = before_.system_s;
    note.resident_kb = own_.ru_maxrss;
    note.children_peak_kb = children_.ru_maxrss;
  }
  /// So much stayed in this process, then, beyond what it had at first, that it is worth a look, which takes
  /// a while.
  bool worth_a_look() const;
  /// How much memory [KiB] that is.
  std::int64_t left_behind_kb();
  /// Memory was given back: its present size is what counts.
  void look_again();

 private:
  void settle(rusage now);

  rusage own_{};
  rusage children_{};
  struct {
    double user_s = 0;
    double system_s = 0;
  } before_;            ///< own_ and children_
  Duration counted_{};  ///< of that, what own_ has not in it
  std::int64_t first_rss_kb_ = 0;
};

double user_seconds(const rusage& usage);
double system_seconds(const rusage& usage);

}  // namespace parrun
