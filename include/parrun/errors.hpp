#pragma once
// What a caller can catch. Inside the engine a failed task is data (an outcome), never an exception.

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace parrun {

/// Something the user can mend: an option, a file, an argument. what() says what, where and how, in one line.
class InputError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An MPI call failed. what() names the routine and the rank.
class MpiError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A task that did not succeed: thrown by Done<R>::value() and by Pool::map() and ordered().
class TaskError : public std::runtime_error {
 public:
  TaskError(std::uint64_t task, int rank, std::string host, std::string type, std::string message)
      : std::runtime_error("task " + std::to_string(task) + " on rank " + std::to_string(rank) + " (" + host +
                           "): " + message),
        task_(task),
        rank_(rank),
        host_(std::move(host)),
        type_(std::move(type)) {}

  std::uint64_t task() const { return task_; }       ///< its index in the batch
  int rank() const { return rank_; }                 ///< the rank that ran it
  const std::string& host() const { return host_; }  ///< that rank's host
  const std::string& type() const {
    return type_;
  }  ///< the exception's type name, or empty: exit, signal, limit

 private:
  std::uint64_t task_;
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
