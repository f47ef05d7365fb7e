#pragma once
// The two ends of a run of one rank: dispatcher and worker in one process, on one thread.

#include <deque>

#include "wire/transport.hpp"

namespace parrun {

class Loopback {
 public:
  class End final : public Transport {
   public:
    Rank rank() const override { return Rank(0); }
    int ranks() const override { return 1; }
    void send(Rank /*to*/, Bytes message) override {
      outgoing_.push_back({Rank(0), std::move(message), true});
    }
    std::optional<Message> receive() override {
      if (incoming_.empty()) return std::nullopt;
      Message message = std::move(incoming_.front());
      incoming_.pop_front();
      return message;
    }
    bool idle() const override { return outgoing_.empty(); }

   private:
    friend class Loopback;
    End(std::deque<Message>& incoming, std::deque<Message>& outgoing)
        : incoming_(incoming), outgoing_(outgoing) {}
    std::deque<Message>& incoming_;
    std::deque<Message>& outgoing_;
  };

  Loopback() = default;
  Loopback(const Loopback&) = delete;
  Loopback& operator=(const Loopback&) = delete;

  End& dispatcher() { return dispatcher_; }
  End& worker() { return worker_; }

 private:
  std::deque<Message> to_worker_;
  std::deque<Message> to_dispatcher_;
  End dispatcher_{to_dispatcher_, to_worker_};
  End worker_{to_worker_, to_dispatcher_};
};

}  // namespace parrun
