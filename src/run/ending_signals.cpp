#include "run/ending_signals.hpp"

#include <algorithm>
#include <atomic>

namespace parrun {
namespace {

// A handler can reach nothing that is not global.
std::atomic<int> heard_count{0};
std::atomic<int> last_number{0};
std::atomic<Duration::rep> last_time{0};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<Duration::rep>::is_always_lock_free);

void note(int number) {
  last_number = number;
  last_time = Clock::now().time_since_epoch().count();
  ++heard_count;
}

}  // namespace

EndingSignals::EndingSignals() {
  heard_count = 0;
  struct sigaction noting {};
  noting.sa_handler = note;
  noting.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &noting, &before_[i]);
}

EndingSignals::~EndingSignals() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before_[i], nullptr);
}

bool EndingSignals::is_one(int number) {
  return std::find(kSignals.begin(), kSignals.end(), number) != kSignals.end();
}

std::optional<EndingSignals::Heard> EndingSignals::take() {
  const int count = heard_count;
  if (count == taken_) return std::nullopt;
  taken_ = count;
  return Heard{last_number, TimePoint(Duration(last_time))};
}

}  // namespace parrun
