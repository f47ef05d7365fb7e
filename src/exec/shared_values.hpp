#pragma once
// The shared values that the tasks of one executor refer to. Each is mapped when the first task asks for it,
// and stays mapped for the next one.

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "exec/share_table.hpp"

namespace parrun {

class SharedValues {
 public:
  /// To be made on the thread that executes the tasks: from now on this is where they find shared values.
  explicit SharedValues(const ShareTable& table);
  SharedValues(const SharedValues&) = delete;
  SharedValues& operator=(const SharedValues&) = delete;
  ~SharedValues();

  /// Throws std::runtime_error where the value is not there: why.
  std::shared_ptr<const void> find(std::uint64_t id, std::uint64_t bytes);
  /// Lets go of what is shared no more, except for what a handle still holds. True if there was any.
  bool drop_released();
  bool empty() const { return mapped_.empty(); }

 private:
  // Pools on the same executor that are of another rank 0 each count their values from 1: only the place
  // tells those apart.
  struct Mapped {
    SharePlace place;
    std::shared_ptr<const void> data;
  };

  const ShareTable& table_;
  std::unordered_map<std::uint64_t, Mapped> mapped_;
};

}  // namespace parrun
