// What the scheduler must be like between any two events: scheduler.hpp has it in words.

#include <algorithm>
#include <stdexcept>

#include "core/scheduler.hpp"

namespace parrun {

namespace {
void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}
}  // namespace

void Scheduler::check_invariants() const {
  check_tasks();
  check_loads();
  check_queues();
}

void Scheduler::check_tasks() const {
  require(next_fresh_.get() <= known_, "(1) a task was given that is not known");
  require(fresh_ + returned_.size() + shunned_count_ + delayed_.size() + flights_.size() + aside_.size() +
                  done_ ==
              known_,
          "(1) a task is in none or two of the places");
  require(order_.empty()
              ? fresh_ + settled_.count_below(TaskId(known_)) - settled_.count_below(next_fresh_) ==
                    known_ - next_fresh_.get()
              : fresh_ == fresh_in_order(),
          "(1) the number of fresh tasks is not that of those behind the last given");
  const auto require_waiting = [&](const Attempt& attempt) {
    require(!flights_.contains(attempt.id.task.get()), "(1) a task that waits is in flight");
  };
  for (const Attempt& attempt : aside_) require_waiting(attempt);
  for (const Attempt& attempt : returned_) {
    require_waiting(attempt);
    require(!attempt.shuns, "(1) a task that shuns a worker is among those for everybody");
  }
  std::size_t shunned = 0;
  for (const auto& [rank, list] : shunned_) {
    require(!list.empty(), "(1) a list of shunned tasks is empty");
    shunned += list.size();
    for (const Attempt& attempt : list) {
      require_waiting(attempt);
      require(attempt.shuns == rank, "(1) a task shuns another worker than its list says");
    }
  }
  require(shunned == shunned_count_, "(1) the number of shunned tasks is not that in the lists");
  for (const auto& [time, attempt] : delayed_) {
    require_waiting(attempt);
    require(time > now_, "(1) a retry that is due is not ready");
  }
}

std::uint64_t Scheduler::fresh_in_order() const {
  const auto first = order_.begin() + static_cast<std::ptrdiff_t>(next_in_order_);
  return static_cast<std::uint64_t>(
      std::count_if(first, order_.end(), [this](TaskId task) { return !settled_.contains(task); }));
}

void Scheduler::check_loads() const {
  std::vector<std::size_t> load(workers_.size());
  std::vector<std::map<Rank, std::size_t>> shunning(workers_.size());
  flights_.for_each([&](std::uint64_t, const Flight& flight) {
    const auto there = static_cast<std::size_t>(flight.worker.get());
    ++load[there];
    if (flight.attempt.shuns) ++shunning[there][*flight.attempt.shuns];
  });
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    require(load[i] == workers_[i].load, "(2) a worker's load is not what is in flight there");
    require(shunning[i] == workers_[i].shunning, "(2) a worker has other tasks that shun one than it says");
    require(workers_[i].present || workers_[i].load == 0, "(2) an absent worker has tasks");
  }
  const auto busy = std::count_if(load.begin(), load.end(), [](auto n) { return n > 0; });
  require(busy_ == static_cast<std::size_t>(busy),
          "(2) the number of busy workers is not that of workers with tasks");
  const auto stocked = std::count_if(load.begin(), load.end(), [](auto n) { return n > 1; });
  require(stocked_ == static_cast<std::size_t>(stocked),
          "(2) the number of workers with tasks at hand is not that of workers with two or more");
}

void Scheduler::check_queues() const {
  std::vector<int> idle(workers_.size());
  std::vector<int> hungry(workers_.size());
  for (const Rank rank : idle_) ++idle[static_cast<std::size_t>(rank.get())];
  for (const Rank rank : hungry_) ++hungry[static_cast<std::size_t>(rank.get())];
  std::size_t present = 0;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const Worker& one = workers_[i];
    require(idle[i] == (one.idle ? 1 : 0), "(4) a worker's place among the idle is not as it says");
    require(hungry[i] == (one.hungry ? 1 : 0), "(4) a worker's place among the hungry is not as it says");
    require(!one.present || one.load > 0 || one.idle, "(4) a worker without tasks is forgotten");
    present += one.present ? 1 : 0;
  }
  require(present_ == present, "(4) the number of workers is not that of those present");
}

}  // namespace parrun
