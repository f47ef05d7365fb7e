#include "doctor/own_command.hpp"

#include "core/outcome.hpp"
#include "doctor/cores.hpp"

namespace parrun::doctor {
namespace {

std::unique_ptr<ExecutorBody> unbound_body() {
  const Unbound unbound;
  return std::make_unique<ProcessBody>();
}

constexpr ResourceLimits kBound{.memory_bytes = {}, .cpu = {}, .output_bytes = std::uint64_t{1} << 24};

}  // namespace

OwnCommand::OwnCommand() : executor_(unbound_body()) {
  executor_.set_terms({.resources = kBound}, std::nullopt);
}

void OwnCommand::start(const TaskSpec& spec) {
  outcome_.reset();
  const Bytes payload = encode(spec);
  executor_.give(given_task({{TaskId(0)}, payload}));
}

bool OwnCommand::turn(TimePoint now) {
  executor_.turn(now).for_each(
      [this](BytesView outcome, int /*retries*/) { outcome_ = decode_outcome(outcome); });
  const std::optional<Executor::Current> current = executor_.current();
  if (current && current->limit && now >= current->since + *current->limit)
    executor_.kill(current->attempt, State::timed_out, "reached its limit");
  return outcome_.has_value();
}

}  // namespace parrun::doctor
