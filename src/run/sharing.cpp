#include "run/sharing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/host.hpp"
#include "exec/share_table.hpp"

namespace parrun {

void Sharing::begin(BytesView value) {
  send_releases();
  if (shared_ == ShareTable::kCapacity) {
    throw std::runtime_error(
        fmt::format("{} values are shared already; let handles go that are not needed any more", shared_));
  }
  under_way_.emplace(UnderWay{.id = last_id_ + 1, .value = value, .nodes = nodes(), .unanswered = present()});
  ++last_id_;
  ++shared_;
}

// Workers that failed before have no part in it.
std::set<Rank> Sharing::present() const {
  std::set<Rank> ranks;
  for (const Rank rank : crew_.workers()) {
    if (!crew_.member(rank).left) ranks.insert(rank);
  }
  return ranks;
}

std::vector<Sharing::Node> Sharing::nodes() const {
  std::vector<Node> nodes{{.name = node_, .keeper = {}, .others = {}}};
  for (const Rank rank : present()) {
    const std::string& name = crew_.member(rank).node;
    const auto node = std::ranges::find(nodes, name, &Node::name);
    if (node != nodes.end()) {
      node->others.push_back(rank);
    } else {
      nodes.push_back({.name = name, .keeper = rank, .others = {}});
    }
  }
  return nodes;
}

bool Sharing::turn() {
  if (!under_way_) return false;
  notice_lost();
  const bool answered = take_answers();
  const bool filled = fill_own_copy();
  const bool sent = !done() && send_pieces();
  return answered || filled || sent;
}

bool Sharing::done() const {
  return !under_way_->problem.empty() || (under_way_->unanswered.empty() && has_own_copy());
}

bool Sharing::has_own_copy() const {
  return under_way_->file && under_way_->file->filled() == under_way_->value.size();
}

bool Sharing::fill_own_copy() try {
  if (done() || has_own_copy()) return false;
  std::optional<SharedFile>& file = under_way_->file;
  if (!file) file.emplace(under_way_->value.size());
  file->append(under_way_->value.substr(file->filled(), kPieceBytes));
  if (!has_own_copy()) return true;
  file->seal();
  under_way_->mapping = map_shared(file->place());
  tell_others(under_way_->nodes.front(), file->place());
  return true;
} catch (const std::runtime_error& error) {
  under_way_->problem = fmt::format("rank 0 ({}): {}", host_name(), error.what());
  return true;
}

bool Sharing::send_pieces() {
  if (!crew_.sent_all()) return false;
  std::size_t pieces = 0;
  for (Node& node : under_way_->nodes) {
    const BytesView rest = under_way_->value.substr(node.sent);
    if (!node.keeper || rest.empty() || pieces == kPiecesAtOnce) continue;
    ShareBytes piece{under_way_->id, under_way_->value.size(), node.sent, Bytes(rest.substr(0, kPieceBytes))};
    node.sent += piece.bytes.size();
    crew_.send(*node.keeper, std::move(piece));
    ++pieces;
  }
  return pieces > 0;
}

bool Sharing::take_answers() {
  const auto answers = crew_.take_share_answers();
  for (const auto& [from, ready] : answers) {
    if (ready.id == under_way_->id) on(from, ready);
  }
  return !answers.empty();
}

void Sharing::on(Rank from, const ShareReady& ready) {
  under_way_->unanswered.erase(from);
  if (!ready.problem.empty()) {
    under_way_->problem = fmt::format("{}: {}", crew_.name(from), ready.problem);
    return;
  }
  const auto node = std::ranges::find(under_way_->nodes, std::optional(from), &Node::keeper);
  if (node != under_way_->nodes.end()) tell_others(*node, ready.place);
}

void Sharing::tell_others(const Node& node, const SharePlace& place) {
  for (const Rank rank : node.others) crew_.send(rank, ShareAt{under_way_->id, place});
}

void Sharing::notice_lost() {
  for (const Rank rank : under_way_->unanswered) {
    if (crew_.member(rank).left) under_way_->problem = fmt::format("{} has failed", crew_.name(rank));
  }
}

detail::SharedCopy Sharing::finish() {
  if (!under_way_->problem.empty()) {
    const std::string problem = under_way_->problem;
    give_up();
    throw std::runtime_error(fmt::format("a value cannot be shared: {}", problem));
  }
  struct OwnCopy {
    std::optional<SharedFile> file;
    std::shared_ptr<const void> mapping;
    std::uint64_t id = 0;
    std::weak_ptr<Sharing> sharing;
    ~OwnCopy() {
      if (const auto alive = sharing.lock()) alive->release(id);
    }
  };
  const auto kept = std::make_shared<OwnCopy>();
  kept->file = std::move(under_way_->file);
  kept->mapping = std::move(under_way_->mapping);
  kept->id = under_way_->id;
  kept->sharing = weak_from_this();
  under_way_.reset();
  return {kept->id, {kept, kept->mapping.get()}};
}

void Sharing::give_up() {
  if (!under_way_) return;
  const std::uint64_t id = under_way_->id;
  under_way_.reset();
  release(id);
}

void Sharing::release(std::uint64_t id) {
  {
    const std::scoped_lock lock(mutex_);
    released_.push_back(id);
  }
  if (std::this_thread::get_id() != thread_) return;
  try {
    send_releases();
  } catch (const std::exception&) {  // MPI has failed, as whoever waits for something next will be told
  }
}

void Sharing::send_releases() {
  std::vector<std::uint64_t> released;
  {
    const std::scoped_lock lock(mutex_);
    released.swap(released_);
  }
  for (const std::uint64_t id : released) crew_.broadcast(Unshare{id});
  shared_ -= released.size();
}

}  // namespace parrun
