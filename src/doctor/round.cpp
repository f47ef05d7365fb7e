#include "doctor/round.hpp"

#include "core/outcome.hpp"

namespace parrun::doctor {

Round::Round(Crew& crew, std::uint32_t epoch, bool on_rank_thread, const std::map<Rank, TaskSpec>& tasks)
    : crew_(crew), epoch_(epoch), tasks_(tasks.size()), sent_(Clock::now()) {
  const Begin begin{.epoch = epoch,
                    .timeout = std::nullopt,
                    .json_values = false,
                    .threads = on_rank_thread,
                    .kill_overrunning = true};
  for (const auto& [rank, spec] : tasks) {
    const Bytes payload = encode(spec);
    const Bytes order = encode(AttemptOrder{{TaskId(epoch)}, payload});
    crew_.send(rank, begin);
    crew_.send(rank, Give{epoch, order});
  }
}

bool Round::turn(TimePoint now) {
  bool any = false;
  while (const auto message = crew_.receive(now)) {
    any = true;
    const auto* report = std::get_if<Report>(&message->second);
    if (report == nullptr) continue;
    for (const Report::Finished& finished : report->finished) {
      Outcome outcome = decode_outcome(finished.outcome);
      if (outcome.task == TaskId(epoch_)) answers_.emplace(message->first, Answer{std::move(outcome), now});
    }
  }
  return any;
}

}  // namespace parrun::doctor
