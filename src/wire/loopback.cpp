#include "wire/loopback.hpp"

#include <algorithm>
#include <utility>

namespace parrun {

Loopback::Loopback(int workers)
    : inboxes_(static_cast<std::size_t>(workers)), dispatcher_(Rank(0), ranks(), to_dispatcher_, inboxes()) {
  int rank = first_worker();
  for (Inbox& inbox : inboxes_) {
    workers_.emplace_back(Rank(rank++), ranks(), inbox, std::vector<Inbox*>{&to_dispatcher_});
  }
}

std::vector<Loopback::Inbox*> Loopback::inboxes() {
  std::vector<Inbox*> by_rank(static_cast<std::size_t>(first_worker()), nullptr);
  for (Inbox& inbox : inboxes_) by_rank.push_back(&inbox);
  return by_rank;
}

std::optional<Message> Loopback::End::receive() {
  if (inbox_.empty()) return std::nullopt;
  Message message = std::move(inbox_.front());
  inbox_.pop_front();
  return message;
}

bool Loopback::End::idle() const {
  return std::ranges::all_of(peers_, [](const Inbox* peer) { return peer == nullptr || peer->empty(); });
}

}  // namespace parrun
