#pragma once
// What a caller can catch. Inside the engine a failed task is data (an outcome), never an exception.

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace parrun {

struct Outcome;
enum class State : std::uint8_t;

/// Something the user can mend: an option, a file, an argument. what() says what, where and how, in one line.
class InputError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An MPI call failed. what() names the routine and the rank.
class MpiError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A task that did not succeed: thrown by Done<R>::value(), Future<R>::get(), Pool::map() and ordered().
/// Where the type of the task's own exception was registered by PARRUN_ERROR that type is thrown, and this is
/// nested in it (std::rethrow_if_nested).
class TaskError : public std::runtime_error {
 public:
  /// REQUIRES: !outcome.succeeded().
  explicit TaskError(const Outcome& outcome);

  std::uint64_t task() const { return task_; }       ///< its index: in its range, or among those submitted
  int attempt() const { return attempt_; }           ///< the last one, from 1
  State state() const { return state_; }             ///< failed, timed_out, lost or cancelled
  int rank() const { return rank_; }                 ///< the rank that ran it
  const std::string& host() const { return host_; }  ///< that rank's host
  /// The exception's type as written in source, or empty: exit, signal, limit.
  const std::string& type() const { return type_; }

 private:
  std::uint64_t task_;
  int attempt_;
  State state_;
  int rank_;
  std::string host_;
  std::string type_;
};

/// A limit was reached with tasks still out. what() says which limit, and where each outstanding task stood.
class TimeoutError : public std::runtime_error {
 public:
  /// One task that was executing when the limit was reached.
  struct Outstanding {
    std::uint64_t task;
    int rank;
    std::string host;
    std::chrono::duration<double> running;  ///< how long it had been executing
  };

  TimeoutError(const std::string& message, std::vector<Outstanding> outstanding)
      : std::runtime_error(message), outstanding_(std::move(outstanding)) {}

  const std::vector<Outstanding>& outstanding() const { return outstanding_; }

 private:
  std::vector<Outstanding> outstanding_;
};

}  // namespace parrun
