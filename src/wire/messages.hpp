#pragma once
// What dispatcher and workers say to each other. Each message is one variant alternative; its last byte is
// the alternative's index. `epoch` numbers the runs of a pool: a message of an earlier run is dropped.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/resource_limits.hpp"
#include "base/share_place.hpp"
#include "core/attempt_order.hpp"
#include "core/outcome.hpp"
#include "parrun/id.hpp"

namespace parrun {

// From a worker.

/// The first message: who is here, and what it could execute.
struct Hello {
  std::string host;
  std::int64_t pid = 0;
  std::string problem;                 ///< why this rank cannot work (a module did not load), or empty
  std::vector<std::string> functions;  ///< registry_fingerprint()
  bool processes = true;               ///< it can execute tasks in processes of their own
  std::string node = {};               ///< node_identity()
};

/// Results and the state of things: when there is something to tell, and as a heartbeat.
struct Report {
  struct Finished {
    BytesView outcome;           ///< encode(Outcome); whoever has the message has its bytes
    int retries = -1;            ///< the task's own, or -1
    std::size_t value_size = 0;  ///< where that is not 0, the value is so many of the message's first bytes
  };
  struct Executing {
    TaskId task;
    int attempt = 1;
    Duration running{};  ///< so far
    std::optional<Duration> limit;
    bool overran = false;  ///< it reached its limit, and the run is to end
  };
  std::uint32_t epoch = 0;
  std::vector<Finished> finished;
  std::optional<Executing> executing;
};

/// One with a single outcome, whose value is the message's beginning: so it is sent, and taken, without a
/// copy. encode() makes it of a LargeOutcome only.
struct LargeReport {
  Report report;
};

/// The answer to Recall.
struct Returned {
  std::uint32_t epoch = 0;
  std::vector<TaskId> tasks;
};

/// The answer to Stop: what had finished was reported before, nothing of this epoch runs here any more.
struct Stopped {
  std::uint32_t epoch = 0;
  bool clean = true;  ///< false: a task could not be ended (a thread)
};

/// The answer to Bye, and the last message.
struct Farewell {};

/// This rank has heard a signal that is to end the run.
struct Heard {
  int signal = 0;
  Duration ago{};
};

/// This rank cannot go on: the run ends with exit code 3.
struct Trouble {
  std::string what;
};

/// The answer to the last ShareBytes, and to ShareAt: the value can be had here.
struct ShareReady {
  std::uint64_t id = 0;
  SharePlace place;     ///< after ShareBytes: where this rank keeps it for its node
  std::string problem;  ///< why it cannot, or empty
};

// From the dispatcher.

/// Tasks for processes are to be expected: what takes long before the first of them can be done now.
struct Prepare {};

/// Begins a run.
struct Begin {
  std::uint32_t epoch = 0;
  std::optional<Duration> timeout = {};  ///< of tasks that have none of their own
  bool json_values = false;              ///< results as JSON where the type allows
  bool threads = false;                  ///< execute functions on a thread of the worker
  bool kill_overrunning = false;  ///< a task at its limit is killed and the run goes on; else the run ends
  ResourceLimits resources = {};  ///< of tasks that have none of their own
  Duration grace{};               ///< for what runs when a signal ends the run
  std::optional<Duration> orphaned_after = {};  ///< of the dispatcher's silence; none: it may be silent
  std::uint64_t most_value_bytes = 0;           ///< that a result may have; 0: as many as it likes
};

struct Give {
  std::uint32_t epoch = 0;
  /// Frames one behind the other (core/attempt_order.hpp); whoever has the message has their bytes.
  BytesView orders;
};

/// Give back up to `count` tasks that have not started, the last ones first.
struct Recall {
  std::uint32_t epoch = 0;
  std::uint64_t count = 0;
};

/// End the task, if it has not ended: its outcome is that it was cancelled.
struct Cancel {
  std::uint32_t epoch = 0;
  TaskId task;
};

/// Report what has finished, end what runs, forget what waits.
struct Stop {
  std::uint32_t epoch = 0;
  Duration patience{};  ///< with a task that cannot be ended (a thread): it may end by itself
};

/// A piece of a shared value, to be kept for all of this rank's node; pieces come in order.
struct ShareBytes {
  std::uint64_t id = 0;
  std::uint64_t total = 0;   ///< [bytes] of the value
  std::uint64_t offset = 0;  ///< of this piece
  Bytes bytes;
};

/// Another process of this node keeps a shared value.
struct ShareAt {
  std::uint64_t id = 0;
  SharePlace place;
};

/// A value is shared no more.
struct Unshare {
  std::uint64_t id = 0;
};

/// Leave.
struct Bye {};

/// The dispatcher's heartbeat.
struct Alive {};

using FromWorker =
    std::variant<Hello, Report, Returned, Stopped, Farewell, Trouble, Heard, ShareReady, LargeReport>;
using FromDispatcher =
    std::variant<Begin, Give, Recall, Stop, Bye, Alive, Cancel, ShareBytes, ShareAt, Unshare, Prepare>;

Bytes encode(const FromWorker& message);
Bytes encode(const FromDispatcher& message);

/// The same of `report` with these outcomes in place of its own, which they are copied into no more.
/// `outcomes`: strings one behind the other (base/bytes.hpp), behind kLengthRoom. `retries`: one for each.
Bytes encode(Bytes outcomes, const std::vector<int>& retries, const Report& report);
/// A LargeReport of it, in its own memory, and for the rest like `report`.
Bytes encode(LargeOutcome outcome, int retries, const Report& report);

/// Encodes a Give, of which the payloads are copied once, to where they are sent from.
class GiveWriter {
 public:
  static constexpr std::size_t kOverhead = 13;  ///< bytes of a message besides its orders

  /// `memory`: to be written over.
  explicit GiveWriter(std::uint32_t epoch, Bytes memory = {});

  /// Begins an order; its payload is to be put there, as a string, before anything else is done here.
  ByteWriter& add(const Assignment& attempt) {
    end_last();
    ++count_;
    writer_.prepare(kPreparedAhead, kPreparedBytes);
    last_ = begin_order(attempt, writer_);
    return writer_;
  }
  std::size_t count() const { return count_; }  ///< orders
  std::size_t bytes() const { return writer_.size(); }
  Bytes take() &&;

 private:
  // Some small orders ahead, about as much as one of them takes.
  static constexpr std::size_t kPreparedAhead = 512;
  static constexpr std::size_t kPreparedBytes = 192;

  void end_last() {
    if (count_ > 0) end_frame(last_, writer_);
  }

  ByteWriter writer_;
  std::size_t count_ = 0;
  std::size_t last_ = 0;  ///< where the last order begins
};

/// Throw FormatError where `bytes` are no such message. Views in it are of `bytes`.
FromWorker decode_from_worker(BytesView bytes);
FromDispatcher decode_from_dispatcher(BytesView bytes);

}  // namespace parrun
