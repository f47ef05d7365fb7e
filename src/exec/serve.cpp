#include "exec/serve.hpp"

#include <cstring>
#include <limits>
#include <utility>

#include "core/outcome.hpp"
#include "exec/frames.hpp"

namespace parrun {
namespace {

// The worker may have more to give: it hears where nothing is left. `on_wait` is called where that may have
// taken a while.
ByteReader next_frame(Channel& channel, Frames& frames, auto on_wait) {
  for (;;) {
    if (const auto frame = frames.front()) {
      frames.pop();
      return ByteReader(*frame);
    }
    on_wait();
    frames.drop_done();
    if (frames.read_from(channel.tasks) > 0) continue;
    channel.outcomes.nudge();
    channel.tasks.await_data();
  }
}

// A large value is copied once, into the ring, or not at all. False: that took a while.
bool tell(Outcome& outcome, Ring& outcomes, Handover* large, ByteWriter& buffer) {
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

// Executes what is ordered, one attempt after another. Each begins when the last one has ended, where nothing
// between them took a while: to read the clock twice for each would be felt.
class Service {
 public:
  Service(Channel& channel, Attempter& attempter, Handover* large)
      : channel_(channel), attempter_(attempter), large_(large) {}

  void resume() { ++resumed_; }
  /// The next attempt begins when it is told to.
  void pause() { paused_ = true; }
  /// False: no other attempt may be made here. None is made where the task was taken back.
  bool execute_one(ByteReader& in) { return !claim() || execute(read_order(in)); }
  bool execute_lent(BytesView orders) {
    for (ByteReader in(orders); !in.at_end() && claim();) {
      if (!execute(take_order(in))) return false;
    }
    return true;
  }

 private:
  // False: the next task was taken back, and so were those behind it.
  bool claim() {
    if (std::exchange(paused_, false)) now_ = Clock::now();
    return channel_.claim(started_, resumed_, now_);
  }
  bool execute(const AttemptOrder& order) {
    attempter_.attempt(order, now_, outcome_);
    channel_.end_execution(++started_);  // a limit does not count the way of a large outcome
    const bool told_soon = tell(outcome_, channel_.outcomes, large_, answer_);
    reset(outcome_);
    const Attempter::Place place = attempter_.clean_up();
    if (!told_soon || place == Attempter::Place::cleaned) pause();
    return place != Attempter::Place::spoilt;
  }

  Channel& channel_;
  Attempter& attempter_;
  Handover* large_;
  Outcome outcome_;
  ByteWriter answer_;
  TimePoint now_{};  ///< when the last attempt ended
  bool paused_ = true;
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
    ByteReader in = next_frame(channel, frames, [&] { service.pause(); });
    switch (in.get<FrameKind>()) {
      case FrameKind::quit:
        return;
      case FrameKind::resume:
        service.resume();
        break;
      case FrameKind::release:
        attempter.drop_released();
        service.pause();
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
