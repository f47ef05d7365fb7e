#pragma once
// One task for each of some workers, all at the same time, and what each came to. Without a scheduler: which
// rank executes what is the point. A round's tasks have its epoch as their index: an outcome that comes later
// than a round was waited for is not taken for one of the next.

#include <map>
#include <string>

#include "batch/task_spec.hpp"
#include "parrun/outcome.hpp"
#include "run/crew.hpp"

namespace parrun::doctor {

struct Answer {
  Outcome outcome;
  TimePoint received;
};

class Round {
 public:
  /// Gives the tasks out. `epoch`: another one than any round before it.
  Round(Crew& crew, std::uint32_t epoch, bool on_rank_thread, const std::map<Rank, TaskSpec>& tasks);

  /// Takes what has arrived; true if there was something.
  bool turn(TimePoint now);
  bool finished() const { return answers_.size() == tasks_; }
  const std::map<Rank, Answer>& answers() const { return answers_; }
  TimePoint sent() const { return sent_; }

 private:
  Crew& crew_;
  std::uint32_t epoch_;
  std::size_t tasks_;
  TimePoint sent_;
  std::map<Rank, Answer> answers_;
};

}  // namespace parrun::doctor
