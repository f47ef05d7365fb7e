#include <algorithm>
#include <cstdio>

#include "base/exit_code.hpp"
#include "run/pool_impl.hpp"

namespace parrun {
namespace {

constexpr int kBodyThrew = 1;

void complain(const std::exception& error) { std::fprintf(stderr, "parrun: %s\n", error.what()); }

[[noreturn]] void end_job_at_limit(const TimeoutError& error) {
  complain(error);
  drain_output();
  abort_job(exit_code::kLimitReached);
}

int run_body(Session& session, const std::function<void(Pool&)>& body, const PoolOptions& options) {
  int code = 0;
  auto impl = std::make_unique<Pool::Impl>(session, options.isolation);
  const Pool::Impl& state = *impl;
  Pool pool(std::move(impl));
  try {
    body(pool);
  } catch (const TimeoutError& error) {
    end_job_at_limit(error);
  } catch (const std::exception& error) {
    complain(error);
    code = kBodyThrew;
  } catch (...) {
    std::fprintf(stderr, "parrun: an exception that is no std::exception left the program's body\n");
    code = kBodyThrew;
  }
  if (state.broken()) {  // a task is stuck on a thread of its rank: only the end of the rank ends it
    drain_output();
    abort_job(exit_code::kLimitReached);
  }
  return code;
}

}  // namespace

int main(int /*argc*/, char** /*argv*/, const std::function<void(Pool&)>& body, const PoolOptions& options) {
  Session session(Clock::now(), std::nullopt, options.lost_after);
  try {
    if (!session.is_dispatcher()) {
      session.serve({});
      return 0;
    }
    Limits limits;
    limits.lost_after = std::max<Duration>(options.lost_after, LimitWatch::kShortestLostAfter);
    if (const auto expired = session.gather(limits, {})) end_job_at_limit(TimeoutError(expired->what, {}));
    session.rest();
    const int code = run_body(session, body, options);
    session.dismiss(code);
    return code;
  } catch (const InputError& error) {
    complain(error);
    session.dismiss(exit_code::kUsage);
    return exit_code::kUsage;
  } catch (const std::exception& error) {
    end_job_for(error);
  }
}

}  // namespace parrun
