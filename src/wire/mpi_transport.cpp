#include "wire/mpi_transport.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/mpi/exception.hpp>
#include <iterator>
#include <memory>
#include <thread>
#include <utility>

#include "base/backoff.hpp"
#include "parrun/errors.hpp"
#include "wire/failed_ranks.hpp"

namespace parrun {

namespace mpi = boost::mpi;

namespace {
constexpr int kTagMore = 1;
constexpr int kTagLast = 2;

// Of a partner that has failed take_failed() tells; what was under way to or from it is void.
void throw_mpi_error(const mpi::exception& error, Rank rank) {
  if (is_failed_partner(error.result_code())) return;
  throw MpiError(fmt::format("{} failed with code {} on rank {}: {}", error.routine(), error.result_code(),
                             rank.get(), error.what()));
}

// Without blocking in MPI: whoever waits for a rank that is long in coming leaves the processor alone.
MPI_Comm duplicate(MPI_Comm original, TimePoint limit) {
  int rank = 0;
  const auto check = [&rank](const char* routine, int result) {
    if (result != MPI_SUCCESS)
      throw MpiError(fmt::format("{} failed with code {} on rank {}", routine, result, rank));
  };
  MPI_Comm_rank(original, &rank);
  struct Pending {
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_Request request = MPI_REQUEST_NULL;
  };
  auto pending = std::make_unique<Pending>();
  MPI_Request& request = pending->request;
  check("MPI_Comm_idup", MPI_Comm_idup(original, &pending->copy, &request));
  Backoff backoff;
  int done = 0;
  for (check("MPI_Test", MPI_Test(&request, &done, MPI_STATUS_IGNORE)); done == 0;
       check("MPI_Test", MPI_Test(&request, &done, MPI_STATUS_IGNORE))) {
    if (Clock::now() > limit) {
      static_cast<void>(pending.release());  // the ranks may come yet, and MPI write there
      throw TimeoutError("not all ranks have come: each but rank 0 is to call parrun::serve()", {});
    }
    std::this_thread::sleep_for(backoff.next());
  }
  check("MPI_Comm_set_errhandler", MPI_Comm_set_errhandler(pending->copy, MPI_ERRORS_RETURN));
  return pending->copy;
}
}  // namespace

MpiTransport::MpiTransport(MPI_Comm communicator, TimePoint limit)
    : world_(duplicate(communicator, limit), mpi::comm_take_ownership) {}

void MpiTransport::send(Rank to, Bytes message) try {
  if (failed_.contains(to)) return;
  Sending& sending = sending_.emplace_back(Sending{to, std::move(message), {}});
  const char* data = sending.message.data();
  const std::size_t size = sending.message.size();
  std::size_t offset = 0;
  do {
    const std::size_t piece = std::min(kPieceBytes, size - offset);
    const bool last = offset + piece == size;
    sending.pieces.push_back(
        world_.isend(to.get(), last ? kTagLast : kTagMore, data + offset, static_cast<int>(piece)));
    offset += piece;
  } while (offset < size);
} catch (const mpi::exception& error) {
  throw_mpi_error(error, rank_);
}

std::optional<Message> MpiTransport::receive() try {
  probe();
  test_sends();
  for (auto at = incoming_.begin(); at != incoming_.end(); ++at) {
    std::optional<Message> message = take_complete(at->first, at->second);
    if (!message) continue;
    if (at->second.pieces.empty() && at->second.assembled.empty()) incoming_.erase(at);
    return message;
  }
  return std::nullopt;
} catch (const mpi::exception& error) {
  throw_mpi_error(error, rank_);
  return std::nullopt;
}

std::vector<Rank> MpiTransport::take_failed() {
  std::vector<Rank> fresh;
  for (const Rank rank : failed_ranks(world_)) {
    if (!failed_.insert(rank).second) continue;
    fresh.push_back(rank);
    std::erase_if(sending_, [&](const Sending& sending) { return sending.to == rank; });
    incoming_.erase(rank.get());
  }
  return fresh;
}

void MpiTransport::probe() {
  auto found = world_.iprobe(mpi::any_source, mpi::any_tag);
  // Open MPI takes in what has come behind its look: who sleeps between two looks would hear a sleep late.
  if (!found) found = world_.iprobe(mpi::any_source, mpi::any_tag);
  if (!found) return;
  auto& pieces = incoming_[found->source()].pieces;
  Piece& piece = pieces.emplace_back();
  piece.last = found->tag() == kTagLast;
  piece.bytes = spares_->take(static_cast<std::size_t>(found->count<char>().value_or(0)));
  piece.request =
      world_.irecv(found->source(), found->tag(), piece.bytes.data(), static_cast<int>(piece.bytes.size()));
}

void MpiTransport::test_sends() {
  for (auto at = sending_.begin(); at != sending_.end();) {
    std::erase_if(at->pieces, [](mpi::request& piece) { return piece.test().has_value(); });
    if (!at->pieces.empty()) {
      ++at;
      continue;
    }
    if (writes_over_) sent_.put(std::move(at->message));
    at = sending_.erase(at);
  }
}

// Takes one piece, or a whole message. Pieces of one sender may complete out of order (a small one behind a
// large one); messages may not.
std::optional<Message> MpiTransport::take_complete(int from, Incoming& incoming) {
  for (Piece& piece : incoming.pieces) piece.complete = piece.complete || piece.request.test().has_value();
  if (incoming.pieces.empty() || !incoming.pieces.front().complete) return std::nullopt;
  Piece& piece = incoming.pieces.front();
  const bool last = piece.last;
  if (incoming.assembled.empty()) {
    incoming.assembled = std::move(piece.bytes);
  } else {
    incoming.assembled += piece.bytes;
  }
  incoming.pieces.pop_front();
  if (!last) return Message{Rank(from), {}, false};
  return Message{Rank(from), SharedBytes(std::exchange(incoming.assembled, {}), spares_), true};
}

}  // namespace parrun
