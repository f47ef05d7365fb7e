#include "exec/serve.hpp"

#include "core/outcome.hpp"

namespace parrun {
namespace {

// A frame is read whole into `buffer`, which it lives in. The worker may have more to give: it hears where
// nothing is left.
ByteReader read_frame(Channel& channel, Bytes& buffer) {
  const auto ask_for_more = [&] { channel.outcomes.nudge(); };
  std::uint64_t size = 0;
  channel.tasks.read(reinterpret_cast<char*>(&size), sizeof size, ask_for_more);
  buffer.resize(size);
  channel.tasks.read(buffer.data(), buffer.size(), ask_for_more);
  return ByteReader(buffer);
}

}  // namespace

void serve_tasks(Channel& channel, Attempter& attempter) {
  Bytes buffer;
  ByteWriter answer;
  std::uint64_t started = 0;
  std::uint64_t resumed = 0;
  for (;;) {
    ByteReader in = read_frame(channel, buffer);
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
        if (!channel.claim(started, resumed, Clock::now())) break;  // it was taken back
        ++started;
        const Outcome outcome = attempter.attempt(decode_order(in));
        channel.end_execution();  // a limit does not count the way of a large outcome
        answer.clear();
        const std::size_t frame = begin_frame(answer);
        append(outcome, answer);
        end_frame(frame, answer);
        channel.outcomes.write(answer.view());
        if (!attempter.clean_up()) return;
      }
    }
  }
}

}  // namespace parrun
