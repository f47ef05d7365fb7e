#include "doctor/examination.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <set>

#include "base/duration.hpp"
#include "base/exit_code.hpp"
#include "base/host.hpp"
#include "base/in_background.hpp"
#include "doctor/abort_trial.hpp"
#include "doctor/findings.hpp"
#include "doctor/job_seen.hpp"
#include "doctor/own_command.hpp"
#include "doctor/rank_tasks.hpp"
#include "doctor/record_place.hpp"
#include "doctor/report.hpp"
#include "doctor/round.hpp"
#include "parrun/errors.hpp"
#include "run/session.hpp"

namespace parrun::doctor {
namespace {

constexpr Duration kLostAfter = std::chrono::seconds(10);
// For an answer to a question that takes a moment; a busy host, or a slow file system, may take longer.
constexpr Duration kAnswerLimit = std::chrono::seconds(15);
// For the whole of a job that ends a second after it has begun.
constexpr Duration kTrialLimit = std::chrono::seconds(60);
// Of the deadline, for the report.
constexpr Duration kReserve = std::chrono::seconds(2);

/// What started this process, and what it was told: MPI_Init changes the environment.
struct Start {
  Launcher launcher;
  bool keepalive;
};

Start look_at_start() {
  const auto variable = [](const char* name) -> const char* { return std::getenv(name); };
  return {launcher_of(variable), variable("OMPI_MCA_oob_tcp_keepalive_time") != nullptr};
}

/// A limit has passed, a signal has come, or a rank cannot go on: the examination ends with what it knows.
struct Ended {
  std::string why;
  int code;
  bool abort;  ///< not everyone can be sent home
};

// Rank 0's part. Each step fills in what it sees; what depends on a rank is tried with those that answered
// before.
class Examination {
 public:
  Examination(Session& session, const Options& options, TimePoint start, const Start& how, OwnCommand& own)
      : session_(session), options_(options), end_(start + options.deadline), own_(own) {
    seen_.program = options.program;
    seen_.launcher = how.launcher;
    seen_.keepalive = how.keepalive;
  }

  int run() {
    std::optional<Ended> ended;
    try {
      gather();
      auto record = in_background([place = options_.place] { return look_at_record(place); });
      look_at_ranks();
      try_executors();
      for (std::size_t kind = 0; kind < kEndless.size(); ++kind) try_endless(kind);
      look_for_survivors();
      try_abort();
      await_record(record);
      await_job();
    } catch (const Ended& why) {
      ended = why;
      seen_.ended = why.why;
    }
    return finish(ended);
  }

 private:
  // --- waiting

  // Turns until `done`, for `bound` at most; false then. Throws Ended.
  bool wait(Duration bound, const std::function<bool()>& done, const std::function<bool(TimePoint)>& step) {
    std::optional<Expiry> expired;
    std::optional<std::string> trouble;
    const TimePoint give_up = std::min(Clock::now() + bound, end_ - kReserve);
    while (!done() && !expired && !trouble && Clock::now() < give_up) {
      session_.turn([&](TimePoint now) {
        const bool news = step(now);
        expired = session_.crew().expired(now);
        trouble = session_.crew().take_trouble();
        return news;
      });
    }
    if (expired) throw ended_by(*expired);
    if (trouble) throw Ended{*trouble, exit_code::kSomeTaskFailed, false};
    if (!done() && Clock::now() >= end_ - kReserve) throw out_of_time();
    return done();
  }

  bool receive(TimePoint now) { return session_.crew().receive(now).has_value(); }

  static Ended ended_by(const Expiry& expiry) {
    int code = exit_code::kLimitReached;
    if (expiry.kind == Expiry::Kind::signal) code = exit_code::kSignal + expiry.signal;
    if (expiry.kind == Expiry::Kind::lost) code = exit_code::kSomeTaskFailed;
    return {expiry.what, code, true};
  }

  Ended out_of_time() const {
    return {fmt::format("the examination reached its deadline of {}", format_duration(options_.deadline)),
            exit_code::kLimitReached, true};
  }

  // --- the ranks

  void gather() {
    Limits limits;
    limits.deadline = options_.deadline;
    limits.lost_after = kLostAfter;
    std::optional<Expiry> expired;
    try {
      expired = session_.gather(limits, "");
    } catch (const InputError& other_build) {
      throw Ended{other_build.what(), exit_code::kSomeTaskFailed, false};
    }
    const Crew& crew = session_.crew();
    seen_.ranks[Rank(0)].host = host_name();
    for (const Rank rank : crew.workers()) {
      seen_.ranks[rank].host = crew.member(rank).present ? crew.member(rank).host : "(not there)";
      able_.insert(rank);
    }
    if (expired) throw ended_by(*expired);
  }

  // A task for each rank that has answered so far; one that does not answer now is not asked again.
  std::map<Rank, Answer> ask(const std::map<Rank, TaskSpec>& tasks, bool on_rank_thread,
                             const std::string& what) {
    Round round(session_.crew(), ++epoch_, on_rank_thread, tasks);
    sent_ = round.sent();
    wait(
        kAnswerLimit, [&] { return round.finished(); }, [&](TimePoint now) { return round.turn(now); });
    for (const auto& [rank, task] : tasks) {
      if (round.answers().contains(rank)) continue;
      able_.erase(rank);
      complain(rank, fmt::format("{} within {}", what, format_duration(kAnswerLimit)));
    }
    return round.answers();
  }

  std::map<Rank, Answer> ask_all(const TaskSpec& task, bool on_rank_thread, const std::string& what) {
    std::map<Rank, TaskSpec> tasks;
    for (const Rank rank : able_) tasks.emplace(rank, task);
    return ask(tasks, on_rank_thread, what);
  }

  void complain(Rank rank, const std::string& what) {
    std::string& trouble = seen_.ranks.at(rank).trouble;
    if (trouble.empty()) trouble = what;
  }

  void look_at_ranks() {
    seen_.ranks.at(Rank(0)).facts = rank_facts();
    for (const auto& [rank, answer] : ask_all(facts_task(), true, "did not answer")) {
      RankExamined& one = seen_.ranks.at(rank);
      if (!answer.outcome.succeeded()) {
        complain(rank, "cannot look at itself: " + answer.outcome.error);
        continue;
      }
      one.facts = facts_of(answer.outcome.value);
      if (rank != Rank(0)) one.clock = clock_of(*one.facts, answer.received);
    }
  }

  // The other clock was read at some moment between question and answer.
  ClockOffset clock_of(const RankFacts& facts, TimePoint received) const {
    const double received_s = wall_clock_s() - to_seconds(Clock::now() - received);
    const double way_s = to_seconds(received - sent_);
    return {.ahead_s = facts.wall_clock_s - (received_s - way_s / 2), .uncertainty_s = way_s / 2};
  }

  void try_executors() {
    for (const auto& [rank, answer] : ask_all(executor_task(), false, "did not start an executor")) {
      if (answer.outcome.succeeded()) {
        seen_.ranks.at(rank).executor_cores = executor_cores_of(answer.outcome.value);
      } else {
        complain(rank, "could not use its executor: " + answer.outcome.error);
      }
    }
  }

  void try_endless(std::size_t kind) {
    const std::string what = fmt::format("did not end an endless {}", kEndless.at(kind));
    for (const auto& [rank, answer] : ask_all(endless_task(kind), false, what)) {
      const Outcome& outcome = answer.outcome;
      const bool timed_out = outcome.state == State::timed_out;
      seen_.ranks.at(rank).endless.push_back(
          {.timed_out = timed_out,
           .late_s = outcome.elapsed_s - to_seconds(kEndlessLimit),
           .reason = timed_out ? "" : fmt::format("{} {}", to_string(outcome.state), outcome.error)});
      for (const int pid : pids_in(outcome.stdout_text)) pids_[rank].push_back(pid);
    }
  }

  void look_for_survivors() {
    std::map<Rank, TaskSpec> tasks;
    for (const Rank rank : able_) {
      if (!pids_[rank].empty()) tasks.emplace(rank, survivors_task(pids_[rank]));
    }
    for (const auto& [rank, answer] : ask(tasks, false, "did not start another executor")) {
      if (answer.outcome.succeeded()) seen_.ranks.at(rank).survivors = survivors_of(answer.outcome.value);
    }
  }

  // --- the surroundings

  void try_abort() {
    const Launcher launcher = is_in_path(to_string(seen_.launcher)) ? seen_.launcher : Launcher::none;
    const Layout hosts = layout(seen_);
    const Descriptor batch = endless_batch(seen_.ranks.size());
    const std::string path = fmt::format("/proc/{}/fd/{}", getpid(), batch.get());
    const Duration bound = std::min(kTrialLimit, end_ - kReserve - kAnswerLimit / 3 - Clock::now());
    if (bound <= Duration::zero()) throw out_of_time();
    own_.start(trial_command(launcher, hosts, path, bound));
    wait(
        bound + kAnswerLimit, [&] { return own_.outcome().has_value(); },
        [&](TimePoint now) {
          const bool news = receive(now);
          return own_.turn(now) || news;
        });
    if (!own_.outcome())
      throw Ended{"a job that was to be killed cannot be", exit_code::kSomeTaskFailed, true};
    seen_.abort = trial_result(launcher, *own_.outcome(), clocks_by_host());
  }

  std::map<std::string, double> clocks_by_host() const {
    std::map<std::string, double> ahead_s;
    for (const auto& [rank, one] : seen_.ranks) {
      if (one.clock && one.host != host_name()) ahead_s.emplace(one.host, one.clock->ahead_s);
    }
    return ahead_s;
  }

  template <typename T>
  std::optional<T> await(std::future<T>& future) {
    wait(
        kAnswerLimit, [&] { return is_ready(future); }, [&](TimePoint now) { return receive(now); });
    return is_ready(future) ? std::optional(future.get()) : std::nullopt;
  }

  void await_record(std::future<RecordPlace>& record) { seen_.record = await(record); }

  void await_job() {
    const auto job = cluster::slurm_job([](const char* name) { return std::getenv(name); });
    if (!job) return;
    auto answer = in_background([job = *job] { return look_at_job(job); });
    seen_.job = await(answer).value_or(JobSeen{.id = job->id});
  }

  // --- the end

  int finish(const std::optional<Ended>& ended) {
    int code = broken(seen_).empty() ? 0 : exit_code::kSomeTaskFailed;
    if (ended) code = ended->code;
    const std::string text = report(seen_);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
    const bool all_answer = able_.size() == session_.crew().workers().size();
    if ((ended && ended->abort) || (!ended && !all_answer)) {
      session_.must_end(code);
      drain_output();
      abort_job(code);
    }
    session_.dismiss(code);
    return code;
  }

  Session& session_;
  const Options& options_;
  TimePoint end_;
  OwnCommand& own_;
  Examined seen_;
  std::set<Rank> able_;  ///< workers that have answered whenever they were asked
  std::uint32_t epoch_ = 0;
  TimePoint sent_{};
  std::map<Rank, std::vector<int>> pids_;  ///< of the endless tasks
};

}  // namespace

int examine(const Options& options, TimePoint start) {
  const Start how = look_at_start();
  std::optional<OwnCommand> own;
  if (launcher_rank() == 0) own.emplace();
  Session session(start, options.deadline, kLostAfter);
  session.heed_signals();
  try {
    if (!session.is_dispatcher()) {
      session.serve("");
      return 0;
    }
    return Examination(session, options, start, how, own.value()).run();
  } catch (const std::exception& error) {
    end_job_for(error);
  }
}

}  // namespace parrun::doctor
