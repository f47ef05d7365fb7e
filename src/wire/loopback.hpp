#pragma once
// The ends of a run of one rank: dispatcher and workers in one process, on one thread. A lone worker is rank
// 0 like its dispatcher; several are the ranks from 1 on.

#include <deque>
#include <vector>

#include "wire/transport.hpp"

namespace parrun {

class Loopback {
 public:
  /// REQUIRES: workers >= 1.
  explicit Loopback(int workers = 1);
  Loopback(const Loopback&) = delete;
  Loopback& operator=(const Loopback&) = delete;

  int workers() const { return static_cast<int>(workers_.size()); }
  Transport& dispatcher() { return dispatcher_; }
  /// `i`: from 0.
  Transport& worker(int i) { return workers_[static_cast<std::size_t>(i)]; }

 private:
  using Inbox = std::deque<Message>;

  class End final : public Transport {
   public:
    /// `peers`: by rank.
    End(Rank rank, int ranks, Inbox& inbox, std::vector<Inbox*> peers)
        : rank_(rank), ranks_(ranks), inbox_(inbox), peers_(std::move(peers)) {}
    Rank rank() const override { return rank_; }
    int ranks() const override { return ranks_; }
    void send(Rank to, Bytes message) override {
      peers_[static_cast<std::size_t>(to.get())]->push_back({rank_, std::move(message), true});
    }
    std::optional<Message> receive() override;
    bool idle() const override;

   private:
    Rank rank_;
    int ranks_;
    Inbox& inbox_;
    std::vector<Inbox*> peers_;
  };

  int first_worker() const { return inboxes_.size() > 1 ? 1 : 0; }
  int ranks() const { return static_cast<int>(inboxes_.size()) + first_worker(); }
  std::vector<Inbox*> inboxes();

  Inbox to_dispatcher_;
  std::deque<Inbox> inboxes_;  ///< of the workers
  End dispatcher_;
  std::deque<End> workers_;
};

}  // namespace parrun
