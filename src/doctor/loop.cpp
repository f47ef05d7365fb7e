#include "doctor/loop.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/duration.hpp"
#include "base/exit_code.hpp"

namespace parrun::doctor {

Ended ended_by(const Expiry& expiry) {
  const bool is_lost = expiry.kind == Expiry::Kind::lost;
  return {expiry.what, is_lost ? exit_code::kSomeTaskFailed : expiry.code(), true};
}

bool Loop::wait(Duration bound, const std::function<bool()>& done,
                const std::function<bool(TimePoint)>& step) {
  const TimePoint give_up = std::min(Clock::now() + bound, end_);
  while (!done() && Clock::now() < give_up) {
    std::optional<Expiry> expired;
    std::optional<std::string> trouble;
    session_.turn([&](TimePoint now) {
      const bool news = step(now);
      expired = crew().expired(now);
      trouble = crew().take_trouble();  // before the session takes it for an error of the run
      return news;
    });
    if (expired) throw ended_by(*expired);
    if (trouble) throw Ended{*trouble, exit_code::kSomeTaskFailed, false};
  }
  if (!done() && Clock::now() >= end_) {
    throw Ended{fmt::format("the deadline of {} passed before all was tried", format_duration(deadline_)),
                exit_code::kLimitReached, true};
  }
  return done();
}

bool Loop::wait(Duration bound, const std::function<bool()>& done) {
  return wait(bound, done, [this](TimePoint now) { return crew().receive(now).has_value(); });
}

}  // namespace parrun::doctor
