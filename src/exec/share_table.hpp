#pragma once
// Which values are shared, and where their copies lie on this node: written by the worker, read by its
// executors, also by those whose process was forked before a value was shared.

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "exec/shared_file.hpp"
#include "exec/shared_memory.hpp"

namespace parrun {

class ShareTable {
 public:
  static constexpr std::size_t kCapacity = 1024;

  /// REQUIRES: it comes to be before the processes that are to share it are forked.
  ShareTable();
  ShareTable(const ShareTable&) = delete;
  ShareTable& operator=(const ShareTable&) = delete;

  /// `id` is above 0; in place of what it meant before. False: the table is full.
  bool put(std::uint64_t id, const SharePlace& place);
  /// Nothing where it is not there.
  void remove(std::uint64_t id);
  std::optional<SharePlace> find(std::uint64_t id) const;

  /// In an executor's process: no task can write over it.
  void make_read_only() { memory_.make_read_only(); }

 private:
  // The id is stored last and looked at again behind the others: it says whether they are its own.
  struct Entry {
    std::atomic<std::uint64_t> id{0};  ///< 0: free
    std::atomic<std::int64_t> pid{0};
    std::atomic<std::int32_t> fd{0};
    std::atomic<std::uint64_t> inode{0};
    std::atomic<std::uint64_t> bytes{0};
  };
  using Entries = std::array<Entry, kCapacity>;

  Entry* entry_of(std::uint64_t id) const;

  SharedMemory memory_{sizeof(Entries)};
  Entries* entries_;
};

}  // namespace parrun
