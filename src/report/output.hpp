#pragma once
// Writes to a descriptor from a thread of its own, so that a pipe that nobody reads stops nobody but this
// thread. What comes after a pause is written at once; what follows soon goes together, for to wake a thread
// for each small outcome would cost more than the outcome.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/descriptor.hpp"

namespace parrun {

class Output {
 public:
  // Above this much unwritten, whoever writes should pause: see congested().
  static constexpr std::size_t kCongestedBytes = std::size_t{4} << 20;
  // Of what follows soon, as much as this, or for so long.
  static constexpr std::size_t kTogetherBytes = std::size_t{64} << 10;
  static constexpr Duration kTogether = std::chrono::milliseconds(1);

  /// Does not close `fd`, which must stay open until all is written: beyond this object's life, maybe.
  explicit Output(int fd);
  /// Closes it when the last write to it has ended, which may be after this object's life.
  explicit Output(Descriptor owned);
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  /// Waits for nothing: what is not written by then, because its reader does not read, never will be.
  ~Output();

  /// Never waits. What one call brings stays together.
  void write(std::string text);
  bool congested() const;
  bool flushed() const;
  /// Something could not be written: a full disk, a closed descriptor.
  bool failed() const;

 private:
  // Shared with the thread, which a full pipe may hold beyond this object's life.
  struct State {
    Descriptor owned;  ///< none: somebody else's
    std::mutex mutex;
    std::condition_variable changed;
    std::string pending;
    std::size_t unwritten = 0;   ///< [bytes] of it, and of what is just being written
    bool thread_sleeps = false;  ///< until it is called; else it looks itself soon
    bool over = false;
    bool failed = false;
  };
  static void run(int fd, const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::thread thread_;
};

}  // namespace parrun
