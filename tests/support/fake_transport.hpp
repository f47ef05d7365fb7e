#pragma once
// One rank's end of a transport whose other ranks are the test: what they send is put in, what the rank under
// test sends is taken out, and a message that nobody took fails the test.

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "support/kept_bytes.hpp"
#include "wire/messages.hpp"
#include "wire/transport.hpp"

namespace parrun::test {

class FakeTransport final : public Transport {
 public:
  FakeTransport(Rank self, int ranks) : self_(self), ranks_(ranks) {}
  FakeTransport(const FakeTransport&) = delete;
  FakeTransport& operator=(const FakeTransport&) = delete;
  ~FakeTransport() override { expect_empty(); }

  Rank rank() const override { return self_; }
  int ranks() const override { return ranks_; }
  void send(Rank to, Bytes message) override { sent_[to].push_back(std::move(message)); }
  std::optional<Message> receive() override {
    if (arrived_.empty()) return std::nullopt;
    Message message = std::move(arrived_.front());
    arrived_.pop_front();
    return message;
  }
  bool idle() const override { return idle_; }
  std::vector<Rank> take_failed() override { return std::exchange(failed_, {}); }

  /// The MPI library tells that the rank has failed, and lets the others go on.
  void fail(Rank rank) { failed_.push_back(rank); }

  void arrive(const FromWorker& message, Rank from) { arrive(encode(message), from); }
  void arrive(Bytes message, Rank from) { arrived_.push_back({from, std::move(message)}); }
  /// Of a large message, which does not end here.
  void arrive_piece(Rank from) { arrived_.push_back({from, {}, false}); }
  /// Messages and pieces that have arrived and are not received.
  std::size_t waiting() const { return arrived_.size(); }
  void arrive(const FromDispatcher& message) { arrived_.push_back({Rank(0), encode(message)}); }

  /// Whether what was sent has left.
  void set_idle(bool idle) { idle_ = idle; }

  /// The oldest message to `rank` that was not taken. Throws where there is none.
  Bytes take(Rank rank) {
    auto& queue = sent_[rank];
    if (queue.empty()) throw std::runtime_error("no message to rank " + std::to_string(rank.get()));
    Bytes message = std::move(queue.front());
    queue.pop_front();
    return message;
  }
  /// The same, decoded: throws where it is of another kind.
  template <typename Kind>
  Kind take(Rank to) {
    if constexpr (is_one_of<Kind>(static_cast<const FromDispatcher*>(nullptr))) {
      return std::get<Kind>(decode_from_dispatcher(kept(take(to))));
    } else {
      return std::get<Kind>(decode_from_worker(kept(take(to))));
    }
  }
  bool has(Rank to) const {
    const auto queue = sent_.find(to);
    return queue != sent_.end() && !queue->second.empty();
  }

  void expect_empty() {
    for (const auto& [to, queue] : sent_) {
      EXPECT_TRUE(queue.empty()) << queue.size() << " messages to rank " << to.get()
                                 << " that nobody expected; the first is of kind "
                                 << int{queue.front().front()};
    }
    sent_.clear();
  }

 private:
  template <typename Kind, typename... Kinds>
  static constexpr bool is_one_of(const std::variant<Kinds...>* /*variant*/) {
    return (std::is_same_v<Kind, Kinds> || ...);
  }

  Rank self_;
  int ranks_;
  bool idle_ = true;
  std::deque<Message> arrived_;
  std::vector<Rank> failed_;
  std::map<Rank, std::deque<Bytes>> sent_;
};

}  // namespace parrun::test
