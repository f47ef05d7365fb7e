// How many workers one dispatcher keeps busy. Drives the scheduler itself in virtual time: a dispatcher that
// handles one message after another, at measured costs, and workers that report as parrun's do.
//   simulate MESSAGE_US TASK_US [TASKS_PER_WORKER]
// MESSAGE_US and TASK_US: what a message, and each task in one, costs the dispatcher.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <queue>
#include <random>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "core/scheduler.hpp"
#include "run/dispatcher.hpp"
#include "run/worker.hpp"

namespace {

using namespace parrun;

constexpr double kWay_s = 20e-6;  // of a message, with what it takes to be noticed
constexpr double kSpread = 0.3;   // of durations: the standard deviation of their logarithm
constexpr double kFailed = 0.01;  // of attempts, each of which is made once more
constexpr int kRetries = 1;
constexpr std::size_t kMessagesInATurn = Dispatcher::kTurnBytes / Dispatcher::kLeastBytes;
const double kCollect_s = to_seconds(Worker::kCollect);

struct Costs {
  double message_s;
  double task_s;
};

struct Task {
  Assignment attempt;
  double span_s;  ///< of its execution
};

struct Message {
  enum class Kind { give, recall, report, returned } kind;
  Rank worker;
  std::vector<Task> tasks;
  std::size_t count = 0;  ///< of a recall
};

// What happens to a worker, or arrives at the dispatcher, in the order of time.
struct Event {
  enum class Kind { task_ends, report_is_due, arrives, dispatcher_turns } kind;
  double at_s;
  std::uint64_t number;  ///< of events at the same time the first comes first
  std::size_t what;      ///< the worker, or the message
  bool operator<(const Event& other) const {
    return std::tie(other.at_s, other.number) < std::tie(at_s, number);
  }
};

class Simulation {
 public:
  Simulation(int workers, double mean_s, std::uint64_t tasks, Costs costs)
      : costs_(costs),
        duration_(std::log(mean_s) - kSpread * kSpread / 2, kSpread),
        workers_(static_cast<std::size_t>(workers) + 1),
        tasks_(tasks) {
    for (int rank = 1; rank <= workers; ++rank) scheduler_.add_worker(Rank(rank));
    scheduler_.add_tasks(tasks);
  }

  void run() {
    give_out();
    while (!events_.empty()) {
      const Event event = events_.top();
      events_.pop();
      now_s_ = event.at_s;
      switch (event.kind) {
        case Event::Kind::task_ends:
          end_task(event.what);
          break;
        case Event::Kind::report_is_due:
          report(event.what);
          break;
        case Event::Kind::arrives:
          arrive(event.what);
          break;
        case Event::Kind::dispatcher_turns:
          turn();
          break;
      }
    }
    if (scheduler_.done() != tasks_) throw std::logic_error("the run does not end");
  }

  /// Of the workers' time until the last outcome, the share in which they executed tasks.
  double utilisation() const { return worked_s_ / (last_s_ * static_cast<double>(workers_.size() - 1)); }
  /// The same between the first and the last tenth of the outcomes.
  double steady_utilisation() const {
    return (to_.worked_s - from_.worked_s) /
           ((to_.at_s - from_.at_s) * static_cast<double>(workers_.size() - 1));
  }

 private:
  struct Member {
    std::deque<Task> queue;  ///< the first one executes
    std::vector<Task> ended;
    double reported_s = 0;
    bool report_due = false;
  };

  Member& member(std::size_t worker) { return workers_[worker]; }
  static std::size_t index(Rank rank) { return static_cast<std::size_t>(rank.get()); }

  void happen(Event::Kind kind, double at_s, std::size_t what) {
    events_.push({kind, at_s, number_++, what});
  }
  void send(double at_s, Message message) {
    std::size_t place = messages_.size();
    if (free_.empty()) {
      messages_.emplace_back();
    } else {
      place = free_.back();
      free_.pop_back();
    }
    messages_[place] = std::move(message);
    happen(Event::Kind::arrives, at_s + kWay_s, place);
  }

  // Workers.

  void start_next(std::size_t worker) {
    const double span_s = member(worker).queue.front().span_s;
    worked_s_ += span_s;
    happen(Event::Kind::task_ends, now_s_ + span_s, worker);
  }

  void end_task(std::size_t worker) {
    Member& here = member(worker);
    here.ended.push_back(here.queue.front());
    here.queue.pop_front();
    if (!here.queue.empty()) start_next(worker);
    const double due_s = here.reported_s + kCollect_s;
    if (here.queue.empty() || now_s_ >= due_s) {
      report(worker);
    } else if (!std::exchange(here.report_due, true)) {
      happen(Event::Kind::report_is_due, due_s, worker);
    }
  }

  void report(std::size_t worker) {
    Member& here = member(worker);
    here.report_due = false;
    if (here.ended.empty()) return;
    here.reported_s = now_s_;
    send(now_s_, {Message::Kind::report, Rank(static_cast<int>(worker)), std::exchange(here.ended, {})});
  }

  void take(const Message& message) {
    Member& here = member(index(message.worker));
    const bool idle = here.queue.empty();
    here.queue.insert(here.queue.end(), message.tasks.begin(), message.tasks.end());
    if (idle && !here.queue.empty()) start_next(index(message.worker));
  }

  void give_back(const Message& message) {
    Member& here = member(index(message.worker));
    Message answer{Message::Kind::returned, message.worker, {}};
    while (answer.tasks.size() < message.count && here.queue.size() > 1) {
      answer.tasks.push_back(here.queue.back());
      here.queue.pop_back();
    }
    send(now_s_, std::move(answer));
  }

  // The dispatcher.

  void arrive(std::size_t place) {
    Message message = std::exchange(messages_[place], {});
    free_.push_back(place);
    if (message.kind == Message::Kind::give) return take(message);
    if (message.kind == Message::Kind::recall) return give_back(message);
    inbox_.push_back(std::move(message));
    if (inbox_.size() == 1) happen(Event::Kind::dispatcher_turns, std::max(now_s_, busy_until_s_), 0);
  }

  // What arrives while it takes some is for the next turn.
  void turn() {
    busy_until_s_ = now_s_;
    for (std::size_t left = std::min(inbox_.size(), kMessagesInATurn); left > 0; --left) {
      const Message message = std::move(inbox_.front());
      inbox_.pop_front();
      spend(message.tasks.size());
      if (message.kind == Message::Kind::report) conclude(message);
      if (message.kind == Message::Kind::returned) put_back(message);
    }
    give_out();
    if (!inbox_.empty()) happen(Event::Kind::dispatcher_turns, busy_until_s_, 0);
  }

  void spend(std::size_t tasks) {
    busy_until_s_ += costs_.message_s + costs_.task_s * static_cast<double>(tasks);
  }

  void conclude(const Message& message) {
    std::bernoulli_distribution fails(kFailed);
    for (const Task& ended : message.tasks) {
      scheduler_.on_outcome(message.worker, ended.attempt, ended.span_s, fails(random_) ? kRetries : 0);
      ++outcomes_;
      if (outcomes_ == tasks_ / 10) from_ = {now_s_, worked_s_};
      if (outcomes_ == tasks_ / 10 * 9) to_ = {now_s_, worked_s_};
    }
    last_s_ = now_s_;
  }

  void put_back(const Message& message) {
    std::vector<TaskId> tasks;
    for (const Task& one : message.tasks) tasks.push_back(one.attempt.task);
    scheduler_.on_returned(message.worker, tasks);
  }

  void give_out() {
    busy_until_s_ = std::max(busy_until_s_, now_s_);
    scheduler_.advance(TimePoint(from_seconds(now_s_)));
    while (const auto grant = scheduler_.next_grant()) {
      Message message{Message::Kind::give, grant->worker, {}};
      while (message.tasks.size() < grant->count && scheduler_.has_ready_for(grant->worker))
        message.tasks.push_back({scheduler_.take(grant->worker), duration_(random_)});
      spend(message.tasks.size());
      send(busy_until_s_, std::move(message));
    }
    if (const auto recall = scheduler_.next_recall()) {
      spend(0);
      send(busy_until_s_, {Message::Kind::recall, recall->worker, {}, recall->count});
    }
  }

  struct Moment {
    double at_s = 0;
    double worked_s = 0;
  };

  Costs costs_;
  std::mt19937_64 random_{1};
  std::lognormal_distribution<> duration_;
  Scheduler scheduler_;
  std::vector<Member> workers_;
  std::vector<Message> messages_;
  std::vector<std::size_t> free_;
  std::deque<Message> inbox_;  ///< of the dispatcher
  std::priority_queue<Event> events_;
  std::uint64_t number_ = 0;
  std::uint64_t tasks_;
  std::uint64_t outcomes_ = 0;
  double now_s_ = 0;
  double busy_until_s_ = 0;
  double last_s_ = 0;
  double worked_s_ = 0;
  Moment from_;
  Moment to_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const Costs costs{std::stod(argv[1]) * 1e-6, std::stod(argv[2]) * 1e-6};
  const std::uint64_t each = argc > 3 ? std::stoull(argv[3]) : 20;
  fmt::print(
      "one dispatcher, {} us a message and {} us a task in it; {} tasks for each worker, spread {:.0f} %, "
      "{:.0f} % "
      "failed and tried again\n\n",
      argv[1], argv[2], each, kSpread * 100, kFailed * 100);
  fmt::print(
      "| workers | a task | busy, whole run | busy, first and last tenth left out |\n|--:|--:|--:|--:|\n");
  for (const double mean_s : {0.01, 0.1, 1.0, 100.0}) {
    for (const int workers : {1'000, 10'000, 100'000}) {
      Simulation simulation(workers, mean_s, static_cast<std::uint64_t>(workers) * each, costs);
      simulation.run();
      fmt::print("| {} | {} s | {:.3f} | {:.3f} |\n", workers, mean_s, simulation.utilisation(),
                 simulation.steady_utilisation());
      std::fflush(stdout);
    }
  }
}
