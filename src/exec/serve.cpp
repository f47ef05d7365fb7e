#include "exec/serve.hpp"

#include <limits>

#include "core/outcome.hpp"
#include "exec/frames.hpp"

namespace parrun {
namespace {

// The worker may have more to give: it hears where nothing is left.
ByteReader next_frame(Channel& channel, Frames& frames) {
  for (;;) {
    if (const auto frame = frames.front()) {
      frames.pop();
      return ByteReader(*frame);
    }
    frames.drop_done();
    if (frames.read_from(channel.tasks) > 0) continue;
    channel.outcomes.nudge();
    channel.tasks.await_data();
  }
}

// A large value is copied once, into the ring, or not at all.
void tell(Outcome&& outcome, Ring& outcomes, Handover* large, ByteWriter& buffer) {
  if (large != nullptr && outcome.value.size() > Channel::kLargeValue) {
    large->put(encode_large(std::move(outcome)));
    outcomes.write(framed({}));
    return outcomes.nudge();
  }
  const bool apart = outcome.value.size() > Channel::kLarge;
  buffer.clear();
  const std::size_t frame = begin_frame(buffer);
  append_but_value(outcome, buffer);
  if (!apart) buffer.append(outcome.value);
  end_frame(frame, buffer, apart ? outcome.value.size() : 0);
  outcomes.write(buffer.view());
  if (apart) outcomes.write(outcome.value);
}

}  // namespace

void serve_tasks(Channel& channel, Attempter& attempter, Handover* large) {
  Frames frames(std::numeric_limits<std::uint64_t>::max());
  ByteWriter answer;
  std::uint64_t started = 0;
  std::uint64_t resumed = 0;
  for (;;) {
    ByteReader in = next_frame(channel, frames);
    const auto kind = in.get<FrameKind>();
    switch (kind) {
      case FrameKind::quit:
        return;
      case FrameKind::resume:
        ++resumed;
        break;
      case FrameKind::release:
        attempter.drop_released();
        break;
      case FrameKind::task:
      case FrameKind::lent_task: {
        const TimePoint start = Clock::now();
        if (!channel.claim(started, resumed, start)) break;  // it was taken back
        ++started;
        const AttemptOrder order = kind == FrameKind::task ? decode_order(in) : decode_lent_order(in);
        Outcome outcome = attempter.attempt(order, start);
        channel.end_execution();  // a limit does not count the way of a large outcome
        tell(std::move(outcome), channel.outcomes, large, answer);
        if (!attempter.clean_up()) return;
      }
    }
  }
}

}  // namespace parrun
