#include "exec/usage.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/clock.hpp"
#include "base/descriptor.hpp"

namespace parrun {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

rusage usage_of(__rusage_who who) {
  rusage usage{};
  getrusage(who, &usage);
  return usage;
}

// See proc(5): 5 sets the peak resident size to the present one.
void reset_peak() {
  const Descriptor file(open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC));
  [[maybe_unused]] const ssize_t written = write(file.get(), "5", 1);
}

}  // namespace

// The kernel knows only the peak of a process's whole life; where it has moved it is set back to the present
// size, so that the next attempt's is its own.
void UsageMeter::settle(rusage now) {
  if (now.ru_maxrss > own_.ru_maxrss) {
    reset_peak();
    now = usage_of(RUSAGE_SELF);
  }
  own_ = now;
  before_ = {user_seconds(own_) + user_seconds(children_), system_seconds(own_) + system_seconds(children_)};
  if (first_rss_kb_ == 0) first_rss_kb_ = own_.ru_maxrss;
}

UsageMeter::UsageMeter() : children_(usage_of(RUSAGE_CHILDREN)) { settle(usage_of(RUSAGE_SELF)); }

void UsageMeter::read(bool with_own, Outcome& outcome) {
  const rusage children = usage_of(RUSAGE_CHILDREN);
  const rusage own = usage_of(RUSAGE_SELF);
  outcome.user_s = user_seconds(children) - user_seconds(children_);
  outcome.system_s = system_seconds(children) - system_seconds(children_);
  if (children.ru_maxrss > children_.ru_maxrss)
    outcome.max_rss_kb = std::max<std::int64_t>(outcome.max_rss_kb, children.ru_maxrss);
  if (with_own) {
    const double counted_s = to_seconds(std::exchange(counted_, {}));
    outcome.user_s += std::max(0.0, user_seconds(own) - user_seconds(own_) - counted_s);
    outcome.system_s += system_seconds(own) - system_seconds(own_);
    outcome.max_rss_kb = std::max<std::int64_t>(outcome.max_rss_kb, own.ru_maxrss);
  }
  children_ = children;
  settle(own);
}

void UsageMeter::count(Duration elapsed, Outcome& outcome) {
  outcome.user_s = to_seconds(elapsed);
  outcome.max_rss_kb = own_.ru_maxrss;
  counted_ += elapsed;
}

bool UsageMeter::worth_a_look() const {
  constexpr std::int64_t kWorthTrimming_kb = kWorthTrimming / 1024;
  return own_.ru_maxrss - first_rss_kb_ > kWorthTrimming_kb;
}

std::int64_t UsageMeter::left_behind_kb() {
  if (worth_a_look() && malloc_trim(0) != 0) look_again();
  return own_.ru_maxrss - first_rss_kb_;
}

void UsageMeter::look_again() {
  own_.ru_maxrss = 0;  // the present size is below the peak
  settle(usage_of(RUSAGE_SELF));
}

double user_seconds(const rusage& usage) { return seconds(usage.ru_utime); }
double system_seconds(const rusage& usage) { return seconds(usage.ru_stime); }

}  // namespace parrun
