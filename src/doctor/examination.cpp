#include "doctor/examination.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/exit_code.hpp"
#include "base/host.hpp"
#include "base/in_background.hpp"
#include "base/launcher.hpp"
#include "base/stderr.hpp"
#include "base/stdout.hpp"
#include "doctor/abort_trial.hpp"
#include "doctor/findings.hpp"
#include "doctor/job_seen.hpp"
#include "doctor/launch.hpp"
#include "doctor/loop.hpp"
#include "doctor/own_command.hpp"
#include "doctor/questions.hpp"
#include "doctor/rank_tasks.hpp"
#include "doctor/record_place.hpp"
#include "doctor/report.hpp"
#include "parrun/errors.hpp"
#include "run/program.hpp"

namespace parrun::doctor {
namespace {

constexpr Duration kLostAfter = std::chrono::seconds(10);
// For the whole of a job that ends a second after it has begun.
constexpr Duration kTrialLimit = std::chrono::seconds(60);

// What the environment tells; to be asked before MPI_Init, which changes it.
void look_at_environment(Examined& seen) {
  const auto variable = [](const char* name) -> const char* { return std::getenv(name); };
  seen.launcher = launcher_of(variable);
  seen.mpirun_is_here = Mpirun::of_rank_0().descriptor() >= 0;
  seen.keepalive = variable("OMPI_MCA_oob_tcp_keepalive_time") != nullptr;
  seen.yields = yields_when_idle(variable);
}

// Rank 0's part: each step fills in what it sees.
class Examination {
 public:
  Examination(Session& session, const Options& options, TimePoint start, OwnCommand& own, Examined seen)
      : session_(session),
        options_(options),
        own_(own),
        loop_(session, start, options.deadline),
        seen_(std::move(seen)) {}

  int run() {
    std::optional<Ended> ended;
    try {
      gather();
      auto record = in_background([place = options_.place] { return look_at_record(place); });
      ask();
      try_abort();
      seen_.record = await(record);
      await_job();
    } catch (const Ended& early) {
      ended = early;
      seen_.ended = early.why;
      seen_.undecided = early.code != exit_code::kSomeTaskFailed;
    }
    return finish(ended);
  }

 private:
  void gather() {
    Limits limits;
    limits.deadline = options_.deadline;
    limits.lost_after = kLostAfter;
    std::optional<Expiry> expired;
    seen_.ranks[Rank(0)].host = host_name();
    seen_.ranks[Rank(0)].facts = rank_facts();
    try {
      expired = session_.gather(limits, "");
    } catch (const InputError& other_build) {
      throw Ended{other_build.what(), exit_code::kSomeTaskFailed, false};
    }
    for (const Rank rank : session_.crew().workers()) {
      const Crew::Member& member = session_.crew().member(rank);
      seen_.ranks[rank].host = member.present ? member.host : "(not there)";
    }
    if (expired) throw ended_by(*expired);
  }

  void ask() {
    questions_.emplace(loop_, seen_);
    questions_->look_at_ranks();
    questions_->try_executors();
    for (std::size_t kind = 0; kind < kEndless.size(); ++kind) questions_->try_endless(kind);
    questions_->look_for_survivors();
  }

  void try_abort() {
    seen_.abort = try_abort_once();
    // What a job says last can be lost on its way, and with it when its limit passed.
    if (seen_.abort->exit_code == exit_code::kLimitReached && !seen_.abort->late_s)
      seen_.abort = try_abort_once();
  }

  AbortTrial try_abort_once() {
    const Launcher launcher = is_in_path(to_string(seen_.launcher)) ? seen_.launcher : Launcher::none;
    const Descriptor batch = endless_batch(seen_.ranks.size());
    const std::string path = fmt::format("/proc/{}/fd/{}", getpid(), batch.get());
    const Duration bound = std::clamp<Duration>(loop_.left() / 2, std::chrono::seconds(1), kTrialLimit);
    own_.start(trial_command(launcher, layout(seen_), path, bound));
    const auto step = [&](TimePoint now) {
      const bool news = session_.crew().receive(now).has_value();
      return own_.turn(now) || news;
    };
    if (!loop_.wait(
            bound + Questions::kAnswerLimit, [&] { return own_.outcome().has_value(); }, step)) {
      throw Ended{"a job that did not end at its limit cannot be killed", exit_code::kSomeTaskFailed, true};
    }
    return trial_result(launcher, *own_.outcome(), clocks());
  }

  std::map<std::string, double> clocks() const {
    std::map<std::string, double> ahead_s;
    for (const auto& [rank, one] : seen_.ranks) {
      if (one.clock && one.host != host_name()) ahead_s.emplace(one.host, one.clock->ahead_s);
    }
    return ahead_s;
  }

  void await_job() {
    const auto job = cluster::slurm_job([](const char* name) { return std::getenv(name); });
    if (!job) return;
    auto answer = in_background([job = *job] { return look_at_job(job); });
    seen_.job = await(answer).value_or(JobSeen{.id = job->id});
  }

  template <typename T>
  std::optional<T> await(std::future<T>& answer) {
    if (!loop_.wait(Questions::kAnswerLimit, [&] { return is_ready(answer); })) return std::nullopt;
    return answer.get();
  }

  // The end.

  int finish(const std::optional<Ended>& ended) {
    int code = broken(seen_).empty() ? 0 : exit_code::kSomeTaskFailed;
    if (ended) code = ended->code;
    if (!tell()) code = exit_code::kUsage;
    if (ended ? ended->abort : !questions_->all_answer()) {
      session_.must_end(code);
      drain_output();
      abort_job(code);
    }
    session_.dismiss(code);
    return code;
  }

  // False where nobody gets the report, which is all that this is for.
  bool tell() const {
    try {
      write_stdout(report(seen_));
      flush_stdout();
      return true;
    } catch (const InputError& lost) {
      print_to_stderr("parrun: {}\n", lost.what());
      return false;
    }
  }

  Session& session_;
  const Options& options_;
  OwnCommand& own_;
  Loop loop_;
  std::optional<Questions> questions_;
  Examined seen_;
};

}  // namespace

int examine(const Options& options, TimePoint start) {
  Examined seen;
  seen.program = options.program;
  look_at_environment(seen);
  std::optional<OwnCommand> own;
  if (launcher_rank() == 0) own.emplace();
  Program program(
      {.start = start, .deadline = options.deadline, .lost_after = kLostAfter, .signals_end_the_run = true});
  Session& session = program.session();
  try {
    if (!session.is_dispatcher()) {
      session.serve("");
      return 0;
    }
    return Examination(session, options, start, own.value(), std::move(seen)).run();
  } catch (const std::exception& error) {
    end_job_for(error);
  }
}

}  // namespace parrun::doctor
