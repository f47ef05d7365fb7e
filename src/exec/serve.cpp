#include "exec/serve.hpp"

#include "core/outcome.hpp"

namespace parrun {
namespace {

// A frame is read whole into `buffer`, which it lives in.
ByteReader read_frame(Ring& ring, Bytes& buffer) {
  std::uint64_t size = 0;
  ring.read(reinterpret_cast<char*>(&size), sizeof size);
  buffer.resize(size);
  ring.read(buffer.data(), buffer.size());
  return ByteReader(buffer);
}

}  // namespace

void serve_tasks(Channel& channel, Attempter& attempter) {
  Bytes buffer;
  ByteWriter answer;
  std::uint64_t started = 0;
  std::uint64_t resumed = 0;
  for (;;) {
    ByteReader in = read_frame(channel.tasks, buffer);
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
