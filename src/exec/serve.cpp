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

// A large value is not copied once more.
void tell(const Outcome& outcome, Ring& outcomes, ByteWriter& buffer) {
  constexpr std::size_t kLarge = std::size_t{16} << 10;
  const bool apart = outcome.value.size() > kLarge;
  buffer.clear();
  const std::size_t frame = begin_frame(buffer);
  append_but_value(outcome, buffer);
  if (!apart) buffer.append(outcome.value);
  end_frame(frame, buffer, apart ? outcome.value.size() : 0);
  outcomes.write(buffer.view());
  if (apart) outcomes.write(outcome.value);
}

}  // namespace

void serve_tasks(Channel& channel, Attempter& attempter) {
  Frames frames(std::numeric_limits<std::uint64_t>::max());
  ByteWriter answer;
  std::uint64_t started = 0;
  std::uint64_t resumed = 0;
  for (;;) {
    ByteReader in = next_frame(channel, frames);
    switch (in.get<FrameKind>()) {
      case FrameKind::quit:
        return;
      case FrameKind::resume:
        ++resumed;
        break;
      case FrameKind::release:
        attempter.drop_released();
        break;
      case FrameKind::task: {
        const TimePoint start = Clock::now();
        if (!channel.claim(started, resumed, start)) break;  // it was taken back
        ++started;
        const Outcome outcome = attempter.attempt(decode_order(in), start);
        channel.end_execution();  // a limit does not count the way of a large outcome
        tell(outcome, channel.outcomes, answer);
        if (!attempter.clean_up()) return;
      }
    }
  }
}

}  // namespace parrun
