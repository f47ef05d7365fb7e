#pragma once
// A file in the format of GNU parallel's --joblog, for all that reads it: `parallel --resume-failed`,
// scripts. Source: GNU parallel 20260422, src/parallel, print_joblog() and open_joblog().

#include <optional>
#include <string>
#include <string_view>

#include "base/descriptor.hpp"
#include "parrun/outcome.hpp"
#include "report/output.hpp"

namespace parrun {

/// A task's line, its end included. `command` may hold any text.
std::string joblog_line(const Outcome& outcome, std::string_view command);

class Joblog {
 public:
  /// Opens the file, and leaves what is in it. Throws InputError where that cannot be, and where it holds
  /// something else, which a slip of the hand would destroy (a batch, a record).
  explicit Joblog(const std::string& path);
  Joblog(const Joblog&) = delete;
  Joblog& operator=(const Joblog&) = delete;
  /// Where it has not begun, a file that was not there before is none again.
  ~Joblog();

  /// Replaces what is in the file, or `append`s to it.
  void begin(bool append);
  /// Never waits. One outcome of a task: the last. REQUIRES: it has begun.
  void add(const Outcome& outcome, std::string_view command);

  // As an Output's:
  bool congested() const { return output_ && output_->congested(); }
  bool flushed() const { return !output_ || output_->flushed(); }
  bool failed() const { return output_ && output_->failed(); }

 private:
  std::string path_;
  std::string made_;  ///< the file, if it was not there before
  Descriptor file_;   ///< until it begins
  std::optional<Output> output_;
};

}  // namespace parrun
