#pragma once
// The workers as rank 0 knows them, from their hello to their farewell, over all runs of a pool. Every
// message passes here, and the limits are watched here, so that they hold in every phase.

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/limit.hpp"
#include "core/limit_watch.hpp"
#include "wire/messages.hpp"
#include "wire/transport.hpp"

namespace parrun {

class Crew {
 public:
  /// `functions` is rank 0's registry: every worker's must be the same.
  Crew(Transport& transport, const Limits& limits, TimePoint start, std::vector<std::string> functions);

  struct Member {
    std::string host;
    std::int64_t pid = 0;
    std::string node;       ///< node_identity()
    bool present = false;   ///< has said hello
    bool left = false;      ///< has said farewell, or has failed
    bool processes = true;  ///< can execute tasks in processes of their own
  };
  const Member& member(Rank rank) const { return members_[index(rank)]; }
  /// Rank 0 works too where it is alone.
  const std::vector<Rank>& workers() const { return workers_; }

  /// The next message that is not of the crew's own life. Views in it are of message(). None also where a
  /// piece of a large one has come: that is work enough for a turn.
  std::optional<std::pair<Rank, FromWorker>> receive(TimePoint now);
  /// receive() gave none for such a piece.
  bool took_piece() const { return took_piece_; }
  /// The message that receive() gave last; parts of it may live longer.
  const SharedBytes& message() const { return message_; }
  /// It is not looked at here any more.
  void drop_message() { message_ = {}; }
  /// Takes in what has come; what receive() would give waits for its next call. True if there was anything.
  bool listen(TimePoint now);
  /// Workers that have failed since the last call while the MPI library lets the others go on.
  std::vector<Rank> take_failed();
  void send(Rank to, const FromDispatcher& message) { transport_.send(to, encode(message)); }
  /// For a message to be encoded in, see Transport.
  Bytes memory(std::size_t size) { return transport_.memory(size); }
  /// `message`: encoded.
  void send(Rank to, Bytes message) { transport_.send(to, std::move(message)); }
  void broadcast(const FromDispatcher& message);
  /// Everything that was sent has left.
  bool sent_all() const { return transport_.idle(); }
  /// Tells each worker now and then that rank 0 lives, spread over time. To be called in each turn.
  void send_heartbeats(TimePoint now);
  /// A worker that has heard nothing for so long is cut off from rank 0, or rank 0 is no more.
  Duration orphaned_after() const { return multiplied(watch_.limits().lost_after, 3); }

  /// Every worker has said hello.
  bool gathered() const { return present_ == workers_.size(); }
  /// Every worker has said farewell.
  bool dismissed() const { return left_ == workers_.size() && transport_.idle(); }
  /// No worker is left.
  bool abandoned() const { return left_ == workers_.size(); }
  /// What makes a run impossible: a worker that cannot work, or is another build.
  const std::optional<std::string>& mismatch() const { return mismatch_; }
  /// What makes it impossible to go on: a worker whose executors failed. Told once.
  std::optional<std::string> take_trouble() { return std::exchange(trouble_, std::nullopt); }

  /// Signals that workers have heard since the last call, and when, by this process's clock.
  std::vector<std::pair<int, TimePoint>> take_heard() { return std::exchange(heard_, {}); }

  /// Answers that have come since the last call.
  std::vector<std::pair<Rank, ShareReady>> take_share_answers() { return std::exchange(share_answers_, {}); }

  LimitWatch& watch() { return watch_; }
  const LimitWatch& watch() const { return watch_; }
  /// From now on this is what expired() says.
  void end_for(const Expiry& why) {
    if (!ending_) ending_ = why;
  }
  /// What ends the run: the first limit that has passed, in words that name the host too.
  std::optional<Expiry> expired(TimePoint now) const;
  /// Workers of this node whose process is no more.
  std::vector<Rank> dead_here() const;
  /// "rank 3 (node17)"
  std::string name(Rank rank) const;

 private:
  static std::size_t index(Rank rank) { return static_cast<std::size_t>(rank.get()); }
  void hear(Rank from, TimePoint now);
  std::optional<std::pair<Rank, FromWorker>> take_in(Rank from, BytesView message, TimePoint now);
  void on(Rank from, const Hello& hello);
  void on_farewell(Rank from);

  Transport& transport_;
  LimitWatch watch_;
  std::vector<std::string> functions_;
  std::string node_;             ///< this process's
  std::vector<Member> members_;  ///< by rank
  std::vector<Rank> workers_;
  SharedBytes message_;  ///< the last
  bool took_piece_ = false;
  std::size_t present_ = 0;
  std::size_t left_ = 0;
  std::optional<std::string> mismatch_;
  std::optional<std::string> trouble_;
  std::vector<std::pair<int, TimePoint>> heard_;
  std::vector<std::pair<Rank, ShareReady>> share_answers_;
  std::deque<Message> waiting_;  ///< for receive()
  std::optional<Expiry> ending_;
  TimePoint round_begin_{};  ///< of the last round of heartbeats
  std::size_t told_ = 0;     ///< workers, in that round
};

}  // namespace parrun
