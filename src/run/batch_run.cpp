#include "run/batch_run.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <functional>
#include <memory>
#include <utility>

#include "base/exit_code.hpp"
#include "base/in_background.hpp"
#include "base/launcher.hpp"
#include "exec/scratch.hpp"
#include "run/batch_dispatch.hpp"
#include "run/program.hpp"

namespace parrun {
namespace {

// Why this rank's tasks cannot have their folders, in a line, or nothing. The disk may not answer: then the
// tasks' own limits are what ends them.
std::string why_no_workdir(const std::string& workdir) {
  constexpr Duration kWorkdirLimit = std::chrono::seconds(2);
  if (workdir.empty()) return {};
  auto why = in_background([workdir] { return why_no_folders(workdir); });
  if (why.wait_for(kWorkdirLimit) != std::future_status::ready) return {};
  const std::string text = why.get();
  return text.empty() ? "" : fmt::format("--workdir {}: {}; give another place", workdir, text);
}

int run_or_refuse(Session& session, RunListener& listener, const std::function<int()>& run) try {
  return run();
} catch (const InputError& error) {
  listener.on_error(error.what());
  session.dismiss(exit_code::kUsage);
  return exit_code::kUsage;
}

}  // namespace

int run_batch(const RunOptions& options, const MakeListener& make_listener, TimePoint start) {
  OpeningBatch opening_batch;
  const Program::Options start_up{.start = start,
                                  .deadline = options.limits.deadline,
                                  .lost_after = options.limits.lost_after,
                                  .executors = options.executors,
                                  .signals_end_the_run = true,
                                  .beside_mpi = [&] {
                                    if (is_surely_rank_0()) opening_batch = open_batch(options.batch_file);
                                  }};
  std::string problem = load_modules(options.modules, Program::start_up_limit(start_up));
  Program program(start_up);
  // A file that may not grow is an error like a full disk. (Tasks find it as by default: their parent lives
  // already.)
  signal(SIGXFSZ, SIG_IGN);
  Session& session = program.session();
  const bool executes = !session.is_dispatcher() || session.ranks() == 1;
  if (problem.empty() && executes) problem = why_no_workdir(options.executors.workdir);
  std::unique_ptr<RunListener> listener;
  // Errors end the job in here, while MPI lives, those of a refusal too: to leave would be to wait in
  // MPI_Finalize for ranks that serve.
  try {
    if (!session.is_dispatcher()) {
      session.serve(problem);
      return 0;
    }
    listener = make_listener();
    return run_or_refuse(session, *listener, [&] {
      return dispatch_batch(session, options, *listener, std::move(opening_batch), problem);
    });
  } catch (const std::exception& error) {
    if (listener) flush_briefly(*listener);
    end_job_for(error);
  }
}

}  // namespace parrun
