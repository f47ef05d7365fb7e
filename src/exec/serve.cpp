#include "exec/serve.hpp"

#include <cstring>
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

// Executes what is ordered, one attempt after another.
class Service {
 public:
  Service(Channel& channel, Attempter& attempter, Handover* large)
      : channel_(channel), attempter_(attempter), large_(large) {}

  void resume() { ++resumed_; }
  /// False: the next task was taken back, and so were those behind it.
  bool claim() {
    start_ = Clock::now();
    return channel_.claim(started_, resumed_, start_);
  }
  /// What was claimed. False: no other attempt may be made here.
  bool execute(const AttemptOrder& order) {
    Outcome outcome = attempter_.attempt(order, start_);
    channel_.end_execution(++started_);  // a limit does not count the way of a large outcome
    tell(std::move(outcome), channel_.outcomes, large_, answer_);
    return attempter_.clean_up();
  }
  bool execute_lent(BytesView orders) {
    for (ByteReader in(orders); !in.at_end() && claim();) {
      if (!execute(take_order(in))) return false;
    }
    return true;
  }

 private:
  Channel& channel_;
  Attempter& attempter_;
  Handover* large_;
  ByteWriter answer_;
  TimePoint start_{};
  std::uint64_t started_ = 0;
  std::uint64_t resumed_ = 0;
};

BytesView read_view(ByteReader& in) {
  BytesView view;
  std::memcpy(static_cast<void*>(&view), in.get_bytes(sizeof(BytesView)).data(), sizeof(BytesView));
  return view;
}

}  // namespace

void serve_tasks(Channel& channel, Attempter& attempter, Handover* large) {
  Frames frames(std::numeric_limits<std::uint64_t>::max());
  Service service(channel, attempter, large);
  for (bool usable = true; usable;) {
    ByteReader in = next_frame(channel, frames);
    switch (in.get<FrameKind>()) {
      case FrameKind::quit:
        return;
      case FrameKind::resume:
        service.resume();
        break;
      case FrameKind::release:
        attempter.drop_released();
        break;
      case FrameKind::terms:
        attempter.set_terms(decode_terms(in));
        break;
      case FrameKind::order:
        if (service.claim()) usable = service.execute(read_order(in));
        break;
      case FrameKind::lent:
        usable = service.execute_lent(read_view(in));
    }
  }
}

}  // namespace parrun
