#include <algorithm>
#include <atomic>
#include <cstdio>
#include <stdexcept>

#include "base/exit_code.hpp"
#include "base/shown_text.hpp"
#include "run/pool_impl.hpp"
#include "run/program.hpp"
#include "run/submissions.hpp"
#include "wire/mpi_environment.hpp"

namespace parrun {
namespace {

constexpr int kBodyThrew = 1;

void complain(const std::exception& error) {
  std::fprintf(stderr, "parrun: %s\n", escaped(error.what()).c_str());
}

[[noreturn]] void end_job_at_limit(Session& session, const TimeoutError& error) {
  session.must_end(exit_code::kLimitReached);  // stderr may be a pipe that nobody reads
  complain(error);
  drain_output();
  abort_job(exit_code::kLimitReached);
}

int run_body(Session& session, const std::function<void(Pool&)>& body, const PoolOptions& options) {
  int code = 0;
  auto impl = std::make_unique<Pool::Impl>(session, options.isolation);
  Pool::Impl& state = *impl;
  Pool pool(std::move(impl));
  try {
    if (!body) throw std::invalid_argument("parrun::main() was given an empty function; give it one to call");
    body(pool);
  } catch (const TimeoutError& error) {
    end_job_at_limit(session, error);
  } catch (const std::exception& error) {
    complain(error);
    code = kBodyThrew;
  } catch (...) {
    std::fprintf(stderr, "parrun: an exception that is no std::exception left the program's body\n");
    code = kBodyThrew;
  }
  state.abort_if_broken();
  return code;
}

// Errors end the job in here, while MPI lives: to leave would be to wait in MPI_Finalize for ranks that
// serve.
int run_session(Session& session, const std::function<void(Pool&)>& body, const PoolOptions& options) try {
  if (!session.is_dispatcher()) {
    session.serve({});
    return 0;
  }
  Limits limits;
  limits.lost_after = lost_after_of(options);
  int code = exit_code::kUsage;
  try {
    if (const auto expired = session.gather(limits, {}, std::max(options.local_workers, 1))) {
      end_job_at_limit(session, TimeoutError(expired->what, {}));
    }
    session.rest();
    code = run_body(session, body, options);
  } catch (const InputError& error) {
    complain(error);
  }
  session.dismiss(code);
  return code;
} catch (const std::exception& error) {
  end_job_for(error);
}

// Of the process, as MPI is, which can be initialised once.
void check_first() {
  static std::atomic<bool> begun{false};
  if (begun.exchange(true) || mpi_is_over())
    throw std::logic_error("parrun::main() can be called once in a process, for it starts MPI and ends it");
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): it is not the program's
int main(int /*argc*/, char** /*argv*/, const std::function<void(Pool&)>& body, const PoolOptions& options) {
  check_first();
  try {
    Program program({.start = Clock::now(),
                     .deadline = std::nullopt,
                     .lost_after = lost_after_of(options),
                     .local_executors = std::max(options.local_workers, 1)});
    return run_session(program.session(), body, options);
  } catch (const std::exception& error) {
    end_job_for(error);
  }
}

}  // namespace parrun
