#include "run/share_keeper.hpp"

#include <stdexcept>

namespace parrun {

std::optional<ShareReady> ShareKeeper::on(const ShareBytes& piece) try {
  if (piece.offset == 0) kept_.try_emplace(piece.id, piece.total);
  const auto found = kept_.find(piece.id);
  if (found == kept_.end()) return std::nullopt;  // behind one that found no place
  SharedFile& file = found->second;
  file.append(piece.bytes);
  if (file.filled() < piece.total) return std::nullopt;
  file.seal();
  note(piece.id, file.place());
  return ShareReady{piece.id, file.place(), {}};
} catch (const std::runtime_error& error) {
  kept_.erase(piece.id);
  return ShareReady{piece.id, {}, error.what()};
}

ShareReady ShareKeeper::on(const ShareAt& at) try {
  note(at.id, at.place);
  return {at.id, {}, {}};
} catch (const std::runtime_error& error) {
  return {at.id, {}, error.what()};
}

void ShareKeeper::on(const Unshare& unshare) {
  shares_->remove(unshare.id);
  noted_.erase(unshare.id);
  kept_.erase(unshare.id);
}

void ShareKeeper::let_go() {
  for (const std::uint64_t id : noted_) shares_->remove(id);
  noted_.clear();
  kept_.clear();
}

// Tried out now, for all to know, and not in each task.
void ShareKeeper::note(std::uint64_t id, const SharePlace& place) {
  map_shared(place);
  if (!shares_->put(id, place)) throw std::runtime_error("too many values are shared at once");
  noted_.insert(id);
}

}  // namespace parrun
