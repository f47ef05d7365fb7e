#include "core/limit_watch.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/duration.hpp"

namespace parrun {

LimitWatch::LimitWatch(Limits limits, TimePoint start, int ranks)
    : limits_(limits),
      start_(start),
      last_turn_(start),
      back_(start),
      pulled_(start),
      peers_(static_cast<std::size_t>(ranks)) {}

void LimitWatch::restart(const Limits& limits, TimePoint start) {
  limits_ = limits;
  start_ = start;
  last_outcome_.reset();
  quiet_until_ = TimePoint::min();
}

void LimitWatch::on_turn(TimePoint now) {
  if (now > last_turn_ + kPause) back_ = now;
  last_turn_ = now;
}

void LimitWatch::on_message(Rank from, TimePoint now) {
  if (!std::exchange(peer(from).heard, now)) quiet_until_ = std::min(quiet_until_, limit(peer(from)));
}

void LimitWatch::on_running(Rank worker, std::optional<Running> running) {
  peer(worker).running = running;
  if (running) quiet_until_ = std::min(quiet_until_, limit(peer(worker)));
}

void LimitWatch::on_wait(TimePoint now) {
  if (!last_outcome_) last_outcome_ = now;
}

void LimitWatch::on_farewell(Rank worker) { peer(worker) = Peer{}; }

void LimitWatch::on_failed(Rank worker) { peer(worker).heard.reset(); }

// When the dispatcher steps in for a worker that has not ended its task.
TimePoint LimitWatch::task_limit(const Peer& peer) const {
  if (!peer.running || !peer.running->limit) return TimePoint::max();
  const TimePoint heard = std::max(peer.heard.value_or(start_), back_);
  return std::max(peer.running->since + *peer.running->limit + kWorkerGrace, heard + kSilence);
}

TimePoint LimitWatch::silence_limit(const Peer& peer) const {
  return peer.heard ? std::max(*peer.heard, back_) + limits_.lost_after : TimePoint::max();
}

TimePoint LimitWatch::limit(const Peer& peer) const {
  return std::min(task_limit(peer), silence_limit(peer));
}

TimePoint LimitWatch::stall_limit() const {
  if (!limits_.stall || !last_outcome_) return TimePoint::max();
  return std::max(std::max(*last_outcome_, pulled_) + *limits_.stall, back_ + kPause);
}

TimePoint LimitWatch::next_limit() const {
  TimePoint next = stall_limit();
  if (limits_.deadline) next = std::min(next, start_ + *limits_.deadline);
  if (outer_) next = std::min(next, outer_->at);
  for (const Peer& peer : peers_) next = std::min(next, task_limit(peer));
  return next;
}

std::optional<Expiry> LimitWatch::tick(TimePoint now) const {
  if (limits_.deadline && now >= start_ + *limits_.deadline) {
    return Expiry{Expiry::Kind::deadline, std::nullopt,
                  fmt::format("the run reached its deadline of {}", format_duration(*limits_.deadline))};
  }
  if (outer_ && now >= outer_->at) return Expiry{Expiry::Kind::deadline, std::nullopt, outer_->what};
  if (now >= stall_limit()) {
    return Expiry{Expiry::Kind::stall, std::nullopt,
                  fmt::format("no task ended for {} (--stall)", format_duration(*limits_.stall))};
  }
  if (now < quiet_until_) return std::nullopt;
  TimePoint next = TimePoint::max();
  for (int rank = 0; rank < static_cast<int>(peers_.size()); ++rank) {
    if (auto expiry = tick_peer(rank, now)) return expiry;
    next = std::min(next, limit(peer(Rank(rank))));
  }
  quiet_until_ = next;
  return std::nullopt;
}

std::optional<Expiry> LimitWatch::tick_peer(int rank, TimePoint now) const {
  const Peer& peer = peers_[static_cast<std::size_t>(rank)];
  if (now >= task_limit(peer)) {
    return Expiry{Expiry::Kind::task, Rank(rank),
                  fmt::format("task {} reached its limit of {} and rank {} does not answer",
                              peer.running->attempt.task.get(), format_duration(*peer.running->limit), rank)};
  }
  if (now >= silence_limit(peer)) {
    return Expiry{
        Expiry::Kind::lost, Rank(rank),
        fmt::format("rank {} was silent for {} (--lost-after)", rank, format_duration(limits_.lost_after))};
  }
  return std::nullopt;
}

}  // namespace parrun
