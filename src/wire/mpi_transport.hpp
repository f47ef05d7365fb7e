#pragma once
// Messages over MPI, and the only user of Boost.MPI but for its start and end (mpi_environment.cpp).
//
// Nobody blocks: a message is sent with isend from a buffer that lives here until the send completes, and
// received with irecv after iprobe has told its size. A message above kPieceBytes goes out in pieces of that
// size, so one huge payload never needs one huge transfer: all but the last piece have the tag `more`.

#include <boost/mpi/communicator.hpp>
#include <boost/mpi/request.hpp>
#include <deque>
#include <list>
#include <map>
#include <set>
#include <vector>

#include "base/clock.hpp"
#include "wire/transport.hpp"

namespace parrun {

class MpiTransport final : public Transport {
 public:
  static constexpr std::size_t kPieceBytes = std::size_t{4} << 20;

  /// Duplicates `communicator`, so that its messages and ours never meet, and errors come as exceptions here
  /// alone; collective over it. Throws TimeoutError where not all ranks have come by `limit`.
  explicit MpiTransport(MPI_Comm communicator, TimePoint limit = TimePoint::max());
  MpiTransport(const MpiTransport&) = delete;
  MpiTransport& operator=(const MpiTransport&) = delete;

  Rank rank() const override { return rank_; }
  int ranks() const override { return ranks_; }
  void send(Rank to, Bytes message) override;
  Bytes memory(std::size_t size) override {
    writes_over_ = true;
    return sent_.take_for(size);
  }
  std::optional<Message> receive() override;
  std::vector<Rank> take_failed() override;
  bool idle() const override { return sending_.empty(); }

 private:
  struct Sending {
    Rank to;
    Bytes message;
    std::vector<boost::mpi::request> pieces;
  };
  struct Piece {
    Bytes bytes;
    bool last;
    boost::mpi::request request;
    bool complete = false;
  };
  struct Incoming {
    std::list<Piece> pieces;  ///< in the order in which they were sent; requests point into them
    Bytes assembled;
  };

  void probe();
  void test_sends();
  std::optional<Message> take_complete(int from, Incoming& incoming);

  boost::mpi::communicator world_;
  Rank rank_{world_.rank()};
  int ranks_ = world_.size();
  std::list<Sending> sending_;
  std::map<int, Incoming> incoming_;  ///< only ranks with something under way
  SharedBytes::Spares spares_ = boost::make_local_shared<SpareBytes>();  ///< for what is to be received
  SpareBytes sent_;                                                      ///< for what is to be sent
  bool writes_over_ = false;                                             ///< somebody wants it
  std::set<Rank> failed_;
};

}  // namespace parrun
