#pragma once
// A shared value's one copy on a node: a sealed memory file of the process that keeps it. Others of the node
// open it by that process's number and descriptor in /proc and map it. It has no name that could be left
// behind: the memory is free when the keeper has closed it and nobody maps it any more, whoever dies.

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "base/descriptor.hpp"
#include "base/share_place.hpp"

namespace parrun {

class SharedFile {
 public:
  /// Throws std::runtime_error where the node has not so much memory: how much is asked for, how much is
  /// there, and what to do. REQUIRES: bytes > 0.
  explicit SharedFile(std::uint64_t bytes);

  /// The next bytes. Throws std::runtime_error where they find no memory, or are more than was said.
  void append(BytesView bytes);
  std::uint64_t filled() const { return filled_; }
  /// From now on nobody can write to it. REQUIRES: all bytes are there. Throws std::system_error.
  void seal();

  /// REQUIRES: it is sealed.
  const SharePlace& place() const { return place_; }

 private:
  Descriptor file_;
  SharePlace place_;
  std::uint64_t filled_ = 0;
};

/// The bytes of a copy, mapped to be read, for as long as the pointer lives. Throws std::runtime_error where
/// the copy cannot be had: why.
std::shared_ptr<const void> map_shared(const SharePlace& place);

/// How much of the resident memory of a process is shared values, which are the node's and not its own.
struct SharedUse {
  std::uint64_t resident_bytes = 0;
  std::uint64_t proportional_bytes = 0;  ///< each page counts in proportion to those who map it
};
/// `process`: its number, or "self". Costs about a millisecond a GiB.
SharedUse shared_use(const std::string& process);

}  // namespace parrun
