#pragma once
// A worker's part in sharing values: it keeps the copies that it got for its node, and notes for its
// executors where copies lie.

#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "exec/share_table.hpp"
#include "wire/messages.hpp"

namespace parrun {

class ShareKeeper {
 public:
  explicit ShareKeeper(std::shared_ptr<ShareTable> shares) : shares_(std::move(shares)) {}
  ShareKeeper(const ShareKeeper&) = delete;
  ShareKeeper& operator=(const ShareKeeper&) = delete;
  ~ShareKeeper() { let_go(); }

  /// The answer, where one is due: after the last piece, or at the first that finds no place.
  std::optional<ShareReady> on(const ShareBytes& piece);
  ShareReady on(const ShareAt& at);
  void on(const Unshare& unshare);
  /// Of all: the executors may serve another pool.
  void let_go();

 private:
  void note(std::uint64_t id, const SharePlace& place);

  std::shared_ptr<ShareTable> shares_;
  std::unordered_map<std::uint64_t, SharedFile> kept_;
  std::unordered_set<std::uint64_t> noted_;  ///< in the table
};

}  // namespace parrun
