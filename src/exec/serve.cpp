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

// A large value is copied once, into the ring, or not at all. False: that took a while.
bool tell(Outcome&& outcome, Ring& outcomes, Handover* large, ByteWriter& buffer) {
  if (large != nullptr && outcome.value.size() > Channel::kLargeValue) {
    large->put(encode_large(std::move(outcome)));
    outcomes.write(framed({}));
    outcomes.nudge();
    return false;
  }
  const bool apart = outcome.value.size() > Channel::kLarge;
  buffer.clear();
  const std::size_t frame = begin_frame(buffer);
  append_but_value(outcome, buffer);
  if (!apart) buffer.append(outcome.value);
  end_frame(frame, buffer, apart ? outcome.value.size() : 0);
  const bool waited = outcomes.write(buffer.view());
  if (apart) outcomes.write(outcome.value);
  return !waited && !apart;
}

// Executes what is ordered, one attempt after another.
class Service {
 public:
  Service(Channel& channel, Attempter& attempter, Handover* large)
      : channel_(channel), attempter_(attempter), large_(large) {}

  void resume() { ++resumed_; }
  /// False: no other attempt may be made here. None is made where the task was taken back.
  bool execute_one(ByteReader& in) {
    now_ = Clock::now();
    return !claim() || execute(read_order(in));
  }
  /// One begins when the last one has ended: to read the clock twice for each would be felt.
  bool execute_lent(BytesView orders) {
    now_ = Clock::now();
    for (ByteReader in(orders); !in.at_end() && claim();) {
      if (!execute(take_order(in))) return false;
    }
    return true;
  }

 private:
  // False: the next task was taken back, and so were those behind it.
  bool claim() { return channel_.claim(started_, resumed_, now_); }
  bool execute(const AttemptOrder& order) {
    Outcome outcome = attempter_.attempt(order, now_);
    channel_.end_execution(++started_);  // a limit does not count the way of a large outcome
    if (!tell(std::move(outcome), channel_.outcomes, large_, answer_)) now_ = Clock::now();
    return attempter_.clean_up();
  }

  Channel& channel_;
  Attempter& attempter_;
  Handover* large_;
  ByteWriter answer_;
  TimePoint now_{};
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
        usable = service.execute_one(in);
        break;
      case FrameKind::lent:
        usable = service.execute_lent(read_view(in));
    }
  }
}

}  // namespace parrun
