#pragma once
// Batches in which some tasks do something bad, at random by a seed, and what each task must come to.

#include <optional>
#include <string>
#include <vector>

#include "support/batch.hpp"
#include "support/outcomes.hpp"
#include "support/sanitizers.hpp"
#include "support/temp_dir.hpp"

namespace parrun::test {

// What a task must come to. No value in an optional: it may be anything.
struct Foretold {
  std::string state = "succeeded";
  int exit_code = 0;
  int signal = 0;
  std::string error = {};                 ///< a part of it; empty: there must be none
  std::optional<Batch::Json> value = {};  ///< null: there must be none
  std::optional<std::string> stdout_text = "";
  std::optional<std::string> warning = "";  ///< a part of it; empty: there must be none
  std::vector<std::string> earlier = {};    ///< the states of the attempts before the last
};

class ChaosBatch {
 public:
  struct Size {
    int tasks;
    int bad;   ///< of those
    int slow;  ///< of the bad: each takes its worker up to a second, for it ends by a limit
  };

  /// `dir` is for files that tasks make. REQUIRES: the run starts in this process's folder, with its umask
  /// and priority.
  ChaosBatch(unsigned seed, const Size& size, const TempDir& dir);

  /// PARRUN_CHAOS_SEED, or one that is always the same.
  static unsigned seed();

  /// The options it is made for.
  static std::vector<std::string> options() {
    return {"--on-timeout", "kill", "--timeout", "1", "--retries", "0"};
  }

  const Batch& batch() const { return batch_; }

  /// Fails the test for each task that has not come to what was foretold, showing the first ones.
  void expect_as_foretold(const Outcomes& run) const;

 private:
  struct Entry {
    std::string kind;
    Foretold foretold;
  };

  void expect_summary(const Outcomes& run) const;

  Batch batch_;
  std::vector<Entry> entries_;  ///< by task
};

}  // namespace parrun::test
