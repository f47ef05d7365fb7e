#pragma once
// What the doctor asks of the workers and has them try, all of them at the same time, question by question.
// One that does not answer is not asked again.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "doctor/examined.hpp"
#include "doctor/loop.hpp"
#include "doctor/round.hpp"

namespace parrun::doctor {

class Questions {
 public:
  // For an answer that takes a moment. A busy host takes longer, and a process that cannot be killed 10 s.
  static constexpr Duration kAnswerLimit = std::chrono::seconds(15);

  /// Both outlive this. REQUIRES: the crew has gathered; seen.ranks holds every rank.
  Questions(Loop& loop, Examined& seen);

  void look_at_ranks();
  void try_executors();
  /// `kind`: an index of kEndless.
  void try_endless(std::size_t kind);
  void look_for_survivors();

  bool all_answer() const { return able_.size() == loop_.crew().workers().size(); }

 private:
  std::map<Rank, Answer> ask(const std::map<Rank, TaskSpec>& tasks, bool on_rank_thread,
                             const std::string& failing);
  std::map<Rank, Answer> ask_all(const TaskSpec& task, bool on_rank_thread, const std::string& failing);
  void complain(Rank rank, const std::string& what);
  ClockOffset clock_of(const RankFacts& facts, TimePoint received) const;

  Loop& loop_;
  Examined& seen_;
  std::set<Rank> able_;  ///< workers that have answered whenever they were asked
  std::uint32_t epoch_ = 0;
  TimePoint sent_{};                       ///< the last question
  std::map<Rank, std::vector<int>> pids_;  ///< of the endless tasks
};

}  // namespace parrun::doctor
