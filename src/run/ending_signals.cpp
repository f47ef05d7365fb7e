#include "run/ending_signals.hpp"

#include <atomic>

namespace parrun {
namespace {

std::atomic<int> first_signal{0};  // a handler can reach nothing that is not global
static_assert(std::atomic<int>::is_always_lock_free);

void note(int number) {
  int none = 0;
  first_signal.compare_exchange_strong(none, number);
}

}  // namespace

EndingSignals::EndingSignals() {
  first_signal = 0;
  struct sigaction noting {};
  noting.sa_handler = note;
  noting.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &noting, &before_[i]);
}

EndingSignals::~EndingSignals() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before_[i], nullptr);
}

int EndingSignals::raised() const { return first_signal; }

}  // namespace parrun
