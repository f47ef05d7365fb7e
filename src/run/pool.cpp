#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "base/exit_code.hpp"
#include "base/host.hpp"
#include "base/limit.hpp"
#include "batch/public_task.hpp"
#include "run/pool_impl.hpp"
#include "run/range_run.hpp"
#include "run/submissions.hpp"
#include "wire/mpi_environment.hpp"

namespace parrun {
namespace {

std::uint64_t last_shared_id = 0;  // of this process; pools are made and used on its main thread

Limits limits_of(const CallOptions& options, Duration lost_after) {
  return {.timeout = checked_limit(options.timeout, "timeout"),
          .deadline = checked_limit(options.deadline, "deadline"),
          .stall = checked_limit(options.stall, "stall limit"),
          .lost_after = lost_after};
}

}  // namespace

Duration lost_after_of(const PoolOptions& options) {
  return std::clamp<Duration>(options.lost_after, LimitWatch::kShortestLostAfter, kLongestLimit);
}

Pool::Impl::Impl(Session& session, Isolation isolation) : session_(session), isolation_(isolation) {}
Pool::Impl::~Impl() = default;

void Pool::Impl::check_thread() const {
  if (std::this_thread::get_id() == thread_) return;
  throw std::logic_error("a pool is for the one thread that made it; tasks cannot use the pool");
}

void Pool::Impl::check_usable() const {
  if (!why_broken_.empty()) throw std::logic_error("this pool cannot run anything any more: " + why_broken_);
}

Begin Pool::Impl::begin_call(const CallOptions& options) {
  check_usable();
  if (in_call_) {
    throw std::logic_error("this pool is in use: take or destroy the range of results first");
  }
  if (sharing_) sharing_->send_releases();
  const bool kill = options.on_timeout == OnTimeout::kill;
  if (kill && isolation_ == Isolation::none)
    throw std::logic_error("OnTimeout::kill needs process isolation: a thread cannot be killed");
  checked_retries(options.retries);
  LimitWatch& watch = session_.crew().watch();
  watch.restart(limits_of(options, watch.limits().lost_after), Clock::now());
  in_call_ = true;
  return {.epoch = ++epoch_,
          .timeout = watch.limits().timeout,
          .json_values = false,
          .threads = isolation_ == Isolation::none,
          .kill_overrunning = kill};
}

void Pool::Impl::end_call(const std::string& why_broken) {
  in_call_ = false;
  if (why_broken_.empty()) why_broken_ = why_broken;
  LimitWatch& watch = session_.crew().watch();
  watch.restart(limits_of({}, watch.limits().lost_after), Clock::now());
}

Submissions& Pool::Impl::submissions() {
  if (!submissions_) submissions_ = std::make_unique<Submissions>(*this);
  return *submissions_;
}

void Pool::Impl::close_submissions(std::optional<Duration> deadline) {
  if (submissions_) submissions_->close(deadline ? Clock::now() + *deadline : TimePoint::max());
}

void Pool::Impl::abort_if_broken() {
  submissions_.reset();
  if (why_broken_.empty()) return;
  session_.must_end(exit_code::kLimitReached);  // stderr may be a pipe that nobody reads
  std::fprintf(stderr, "parrun: the job is ended: %s\n", why_broken_.c_str());
  drain_output();
  abort_job(exit_code::kLimitReached);
}

// What a call that is under way has to be told waits for its next turn, as while the caller is in its own
// code: this may be within the caller's range, which the call is asking for a task.
detail::SharedCopy Pool::Impl::share(BytesView value) {
  check_thread();
  check_usable();
  Crew& crew = session_.crew();
  if (!sharing_) sharing_ = std::make_shared<Sharing>(crew, node_identity(), last_shared_id);
  sharing_->begin(value);
  try {
    while (!sharing_->done()) {
      session_.turn([&](TimePoint now) {
        const bool news = crew.listen(now);
        return sharing_->turn() || news;
      });
      crew.watch().on_pulled(Clock::now());  // a stall would hide all that is looked for behind it
      if (const auto expired = crew.expired(Clock::now())) throw TimeoutError(expired->what, {});
    }
    crew.watch().on_pause(Clock::now());
    session_.rest();
    return sharing_->finish();
  } catch (...) {
    sharing_->give_up();
    session_.rest();
    throw;
  }
}

Pool::Pool(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pool::~Pool() = default;

int Pool::workers() const { return static_cast<int>(impl_->session().crew().workers().size()); }

detail::SharedCopy Pool::share_bytes(std::span<const std::byte> bytes) {
  return bytes.empty() ? detail::SharedCopy{}
                       : impl_->share({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::unique_ptr<detail::CallRun> Pool::start(detail::Feed feed, const CallOptions& options,
                                             Delivery delivery) {
  impl_->check_thread();
  impl_->close_submissions(checked_limit(options.deadline, "deadline"));
  return std::make_unique<RangeRun>(*impl_, std::move(feed), options,
                                    RangeRun::Delivery{delivery.in_order, delivery.fail_fast});
}

std::shared_ptr<detail::Submission> Pool::submit_call(const detail::CallFields& fields) {
  impl_->check_thread();
  return impl_->submissions().submit(fields);
}

}  // namespace parrun
