#include "exec/share_table.hpp"

#include <algorithm>
#include <new>

namespace parrun {

ShareTable::ShareTable() : entries_(new (memory_.data()) Entries) {}

ShareTable::Entry* ShareTable::entry_of(std::uint64_t id) const {
  const auto entry =
      std::find_if(entries_->begin(), entries_->end(), [id](const Entry& e) { return e.id == id; });
  return entry == entries_->end() ? nullptr : &*entry;
}

bool ShareTable::put(std::uint64_t id, const SharePlace& place) {
  remove(id);
  Entry* const entry = entry_of(0);
  if (entry == nullptr) return false;
  entry->pid = place.pid;
  entry->fd = place.fd;
  entry->inode = place.inode;
  entry->bytes = place.bytes;
  entry->id = id;
  return true;
}

void ShareTable::remove(std::uint64_t id) {
  if (Entry* const entry = entry_of(id)) entry->id = 0;
}

std::optional<SharePlace> ShareTable::find(std::uint64_t id) const {
  const Entry* const entry = id == 0 ? nullptr : entry_of(id);
  if (entry == nullptr) return std::nullopt;
  const SharePlace place{.pid = entry->pid, .fd = entry->fd, .inode = entry->inode, .bytes = entry->bytes};
  return entry->id == id ? std::optional(place) : std::nullopt;
}

}  // namespace parrun
