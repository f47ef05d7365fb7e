#pragma once
// Rank 0's part in sharing values: one copy to each node, in pieces. Rank 0 keeps its own node's copy; on
// every other node the first worker there gets the bytes and keeps them, and the others are told where they
// lie once they are all there. Never waits: turn() is called until done().
//
// Memory: beside the copy, no more than kPiecesAtOnce pieces are under way from here, and one to each keeper:
// the next are sent when all that was sent has left.

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "exec/shared_file.hpp"
#include "parrun/shared.hpp"
#include "run/crew.hpp"

namespace parrun {

class Sharing : public std::enable_shared_from_this<Sharing> {
 public:
  static constexpr std::size_t kPieceBytes = std::size_t{4} << 20;
  static constexpr std::size_t kPiecesAtOnce = 8;

  /// `node`: rank 0's own. `last_id`: counts on over the pools of this process, which a handle may outlive:
  /// in the next one it must mean nothing. Held by a shared_ptr: the handles on rank 0 may outlive it.
  Sharing(Crew& crew, std::string node, std::uint64_t& last_id)
      : crew_(crew), node_(std::move(node)), last_id_(last_id) {}
  Sharing(const Sharing&) = delete;
  Sharing& operator=(const Sharing&) = delete;

  /// Begins with a value, which stays where it is until the end. Throws std::runtime_error where too many are
  /// shared. REQUIRES: not empty; none is under way; the crew has gathered.
  void begin(BytesView value);
  /// A step. True if it did something.
  bool turn();
  /// All ranks can read it, or one cannot.
  bool done() const;
  /// Ends it: this node's copy, which all others go with. Throws std::runtime_error where a rank cannot
  /// read it, or has left: which, and why; it is shared nowhere then. REQUIRES: done().
  detail::SharedCopy finish();
  /// What is under way, if anything is, is shared nowhere.
  void give_up();
  /// Tells the workers what other threads have let go of.
  void send_releases();

 private:
  struct Node {
    std::string name;
    std::optional<Rank> keeper;  ///< none: rank 0
    std::vector<Rank> others;
    std::uint64_t sent = 0;  ///< [bytes] to the keeper
  };
  struct UnderWay {
    std::uint64_t id;
    BytesView value;
    std::optional<SharedFile> file = {};            ///< of rank 0's node
    std::shared_ptr<const void> mapping = nullptr;  ///< of that file
    std::vector<Node> nodes;
    std::set<Rank> unanswered;
    std::string problem = {};
  };

  std::set<Rank> present() const;
  std::vector<Node> nodes() const;
  bool has_own_copy() const;
  bool fill_own_copy();
  bool send_pieces();
  bool take_answers();
  void notice_lost();
  void tell_others(const Node& node, const SharePlace& place);
  void on(Rank from, const ShareReady& ready);
  void release(std::uint64_t id);

  Crew& crew_;
  std::string node_;
  std::uint64_t& last_id_;
  std::size_t shared_ = 0;  ///< values, not released
  std::optional<UnderWay> under_way_;
  // A handle may go on any thread; messages are sent on this one.
  std::thread::id thread_ = std::this_thread::get_id();
  std::mutex mutex_;  ///< guards released_
  std::vector<std::uint64_t> released_;
};

}  // namespace parrun
