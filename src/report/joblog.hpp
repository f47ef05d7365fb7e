#pragma once
// A file in the format of GNU parallel's --joblog, for all that reads it: `parallel --resume-failed`,
// scripts. Source: GNU parallel 20260422, src/parallel, print_joblog() and open_joblog().

#include <string>
#include <string_view>

#include "parrun/outcome.hpp"
#include "report/output.hpp"

namespace parrun {

/// A task's line, its end included. `command` may hold any text.
std::string joblog_line(const Outcome& outcome, std::string_view command);

class Joblog {
 public:
  /// Replaces the file, or `append`s to it. Throws InputError where it cannot be opened.
  Joblog(const std::string& path, bool append);

  /// Throws InputError where it could not be opened, and where it holds something else, which a slip of the
  /// hand would destroy (a batch, a record); leaves what is there.
  static void check(const std::string& path);

  /// Never waits. One outcome of a task: the last.
  void add(const Outcome& outcome, std::string_view command);

  // As an Output's:
  bool congested() const { return output_.congested(); }
  bool flushed() const { return output_.flushed(); }
  bool failed() const { return output_.failed(); }

 private:
  Output output_;
};

}  // namespace parrun
