#include "doctor/questions.hpp"

#include <fmt/format.h>

#include "base/duration.hpp"
#include "doctor/rank_tasks.hpp"

namespace parrun::doctor {

Questions::Questions(Loop& loop, Examined& seen)
    : loop_(loop), seen_(seen), able_(loop.crew().workers().begin(), loop.crew().workers().end()) {}

std::map<Rank, Answer> Questions::ask(const std::map<Rank, TaskSpec>& tasks, bool on_rank_thread,
                                      const std::string& failing) {
  Round round(loop_.crew(), ++epoch_, on_rank_thread, tasks);
  sent_ = round.sent();
  loop_.wait(
      kAnswerLimit, [&] { return round.finished(); }, [&](TimePoint now) { return round.turn(now); });
  for (const auto& [rank, task] : tasks) {
    if (round.answers().contains(rank)) continue;
    able_.erase(rank);
    complain(rank, fmt::format("{} within {}", failing, format_duration(kAnswerLimit)));
  }
  return round.answers();
}

std::map<Rank, Answer> Questions::ask_all(const TaskSpec& task, bool on_rank_thread,
                                          const std::string& failing) {
  std::map<Rank, TaskSpec> tasks;
  for (const Rank rank : able_) tasks.emplace(rank, task);
  return ask(tasks, on_rank_thread, failing);
}

void Questions::complain(Rank rank, const std::string& what) {
  std::string& trouble = seen_.ranks.at(rank).trouble;
  if (trouble.empty()) trouble = what;
}

void Questions::look_at_ranks() {
  for (const auto& [rank, answer] : ask_all(facts_task(), true, "did not answer")) {
    RankExamined& one = seen_.ranks.at(rank);
    if (!answer.outcome.succeeded()) {
      complain(rank, "could not look at itself: " + answer.outcome.error);
      continue;
    }
    one.facts = facts_of(answer.outcome.value);
    if (rank != Rank(0)) one.clock = clock_of(*one.facts, answer.received);
  }
}

// The other clock was read at some moment between question and answer.
ClockOffset Questions::clock_of(const RankFacts& facts, TimePoint received) const {
  const double received_s = wall_clock_s() - to_seconds(Clock::now() - received);
  const double way_s = to_seconds(received - sent_);
  return {.ahead_s = facts.wall_clock_s - (received_s - way_s / 2), .uncertainty_s = way_s / 2};
}

void Questions::try_executors() {
  for (const auto& [rank, answer] : ask_all(executor_task(), false, "did not start an executor")) {
    if (answer.outcome.succeeded()) {
      seen_.ranks.at(rank).executor_cores = executor_cores_of(answer.outcome.value);
    } else {
      complain(rank, "could not use its executor: " + answer.outcome.error);
    }
  }
}

void Questions::try_endless(std::size_t kind) {
  const std::string failing = fmt::format("did not end an endless {}", kEndless.at(kind));
  for (const auto& [rank, answer] : ask_all(endless_task(kind), false, failing)) {
    const Outcome& outcome = answer.outcome;
    Ending ending{.timed_out = outcome.state == State::timed_out,
                  .late_s = outcome.elapsed_s - to_seconds(kEndlessLimit)};
    if (!ending.timed_out) ending.reason = fmt::format("{}: {}", to_string(outcome.state), outcome.error);
    seen_.ranks.at(rank).endless.push_back(std::move(ending));
    for (const int pid : pids_in(outcome.stdout_text)) pids_[rank].push_back(pid);
  }
}

void Questions::look_for_survivors() {
  std::map<Rank, TaskSpec> tasks;
  for (const Rank rank : able_) {
    if (!pids_[rank].empty()) {
      tasks.emplace(rank, survivors_task(pids_[rank]));
    } else {
      complain(rank, "did not tell the processes of the endless tasks: what is left of them is not known");
    }
  }
  for (const auto& [rank, answer] : ask(tasks, false, "did not start another executor")) {
    if (answer.outcome.succeeded()) {
      seen_.ranks.at(rank).survivors = survivors_of(answer.outcome.value);
    } else {
      complain(rank, "could not look for what is left of the endless tasks: " + answer.outcome.error);
    }
  }
}

}  // namespace parrun::doctor
