#pragma once
#include <optional>
#include <vector>

#include "base/shared_bytes.hpp"
#include "parrun/id.hpp"

namespace parrun {

struct Message {
  Rank from;
  SharedBytes bytes;
  bool complete = true;  ///< false: a piece of a large message has come, and there is nothing to read yet
};

// Carries messages between ranks: whole, in order from each sender, and without ever blocking: a peer that
// does not listen costs memory for what was sent to it, never time.
class Transport {
 public:
  virtual ~Transport() = default;

  virtual Rank rank() const = 0;
  virtual int ranks() const = 0;
  virtual void send(Rank to, Bytes message) = 0;
  /// For a message of about `size` bytes: what to write over, or behind; its content means nothing.
  virtual Bytes memory(std::size_t size) {
    Bytes bytes;
    bytes.reserve(size);
    return bytes;
  }
  /// The next message, or news of a piece of one, if there is any. Also moves what is under way.
  virtual std::optional<Message> receive() = 0;
  /// Ranks that have failed since the last call while the others go on; most MPI libraries end the job
  /// instead.
  virtual std::vector<Rank> take_failed() { return {}; }
  /// Everything that was sent has left.
  virtual bool idle() const = 0;
};

}  // namespace parrun
