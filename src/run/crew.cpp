#include "run/crew.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/host.hpp"
#include "exec/registry.hpp"

namespace parrun {
namespace {

std::string name_in(const std::string& line) { return line.substr(0, line.find(kNameEnd)); }

// In what way two sorted registries differ, by the name of one function.
std::string difference(const std::vector<std::string>& ours, const std::vector<std::string>& theirs) {
  const auto [mine, other] = std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end());
  // Sorted by name: of two names that differ, the other side lacks the smaller one.
  if (mine == ours.end() || (other != theirs.end() && name_in(*other) < name_in(*mine)))
    return fmt::format("has a task function '{}' that rank 0 lacks", name_in(*other));
  const std::string name = name_in(*mine);
  const bool there = other != theirs.end() && name_in(*other) == name;
  return there ? fmt::format("has another build of the task function '{}'", name)
               : fmt::format("lacks the task function '{}'", name);
}

}  // namespace

Crew::Crew(Transport& transport, const Limits& limits, TimePoint start, std::vector<std::string> functions)
    : transport_(transport),
      watch_(limits, start, transport.ranks()),
      functions_(std::move(functions)),
      node_(node_identity()),
      members_(static_cast<std::size_t>(transport.ranks())) {
  const int ranks = transport.ranks();
  for (int rank = ranks > 1 ? 1 : 0; rank < ranks; ++rank) {
    workers_.emplace_back(rank);
    watch_.on_message(Rank(rank), Clock::now());
  }
}

void Crew::broadcast(const FromDispatcher& message) {
  for (const Rank rank : workers_) {
    if (!member(rank).left) send(rank, message);
  }
}

// A third of what the workers expect of themselves: with thousands of them a broadcast each second would be
// felt.
void Crew::send_heartbeats(TimePoint now) {
  const Duration round = watch_.limits().lost_after / 3;
  if (now >= round_begin_ + round && told_ == workers_.size()) {
    round_begin_ = now;
    told_ = 0;
  }
  const double part = std::min(1.0, to_seconds(now - round_begin_) / to_seconds(round));
  const auto due = static_cast<std::size_t>(part * static_cast<double>(workers_.size()));
  for (; told_ < due; ++told_) {
    if (!member(workers_[told_]).left) send(workers_[told_], Alive{});
  }
}

std::optional<std::pair<Rank, FromWorker>> Crew::receive(TimePoint now) {
  message_ = {};
  took_piece_ = false;
  while (!waiting_.empty()) {
    const Rank from = waiting_.front().from;
    message_ = std::move(waiting_.front().bytes);
    waiting_.pop_front();
    if (!member(from).left) return std::pair{from, decode_from_worker(message_)};
  }
  while (auto message = transport_.receive()) {
    hear(message->from, now);
    took_piece_ = !message->complete;
    if (took_piece_) return std::nullopt;
    message_ = std::move(message->bytes);
    if (auto of_a_run = take_in(message->from, message_, now)) return of_a_run;
  }
  return std::nullopt;
}

bool Crew::listen(TimePoint now) {
  bool news = false;
  while (auto message = transport_.receive()) {
    news = true;
    hear(message->from, now);
    if (!message->complete) return true;
    if (take_in(message->from, message->bytes, now)) waiting_.push_back(std::move(*message));
  }
  return news;
}

// What a rank that has failed had sent before can be read later: that does not make it one to watch again.
void Crew::hear(Rank from, TimePoint now) {
  if (!member(from).left) watch_.on_message(from, now);
}

// A message of the crew's own life ends here, and so does any of a worker that has left; another is given
// back.
std::optional<std::pair<Rank, FromWorker>> Crew::take_in(Rank from, BytesView message, TimePoint now) {
  FromWorker decoded = decode_from_worker(message);
  if (std::holds_alternative<Farewell>(decoded)) {
    on_farewell(from);
  } else if (member(from).left) {
    return std::nullopt;
  } else if (const auto* hello = std::get_if<Hello>(&decoded)) {
    on(from, *hello);
  } else if (const auto* trouble = std::get_if<Trouble>(&decoded)) {
    if (!trouble_) trouble_ = fmt::format("{}: {}", name(from), trouble->what);
  } else if (const auto* heard = std::get_if<Heard>(&decoded)) {
    heard_.emplace_back(heard->signal, now - heard->ago);
  } else if (auto* answer = std::get_if<ShareReady>(&decoded)) {
    share_answers_.emplace_back(from, std::move(*answer));
  } else {
    return std::pair{from, std::move(decoded)};
  }
  return std::nullopt;
}

std::vector<Rank> Crew::take_failed() {
  std::vector<Rank> failed = transport_.take_failed();
  for (const Rank rank : failed) {
    if (!gathered() && !trouble_) trouble_ = fmt::format("{} failed before all were there", name(rank));
    if (std::exchange(members_[index(rank)].left, true)) continue;
    ++left_;
    watch_.on_failed(rank);
  }
  return failed;
}

std::vector<Rank> Crew::dead_here() const {
  std::vector<Rank> dead;
  for (const Rank rank : workers_) {
    const Member& one = member(rank);
    const bool here = one.present && !one.left && one.node == node_;
    if (here && ::kill(static_cast<pid_t>(one.pid), 0) != 0 && errno == ESRCH) dead.push_back(rank);
  }
  return dead;
}

void Crew::on_farewell(Rank from) {
  // A farewell may be read behind the news that its rank has failed.
  if (!std::exchange(members_[index(from)].left, true)) ++left_;
  watch_.on_farewell(from);
}

void Crew::on(Rank from, const Hello& hello) {
  members_[index(from)] = {.host = hello.host,
                           .pid = hello.pid,
                           .node = hello.node,
                           .present = true,
                           .left = false,
                           .processes = hello.processes};
  ++present_;
  if (mismatch_) return;
  if (!hello.problem.empty()) {
    mismatch_ = fmt::format("{}: {}", name(from), hello.problem);
  } else if (hello.functions != functions_) {
    mismatch_ = fmt::format("{} {}; all ranks must run the same parrun with the same modules", name(from),
                            difference(functions_, hello.functions));
  }
}

std::optional<Expiry> Crew::expired(TimePoint now) const {
  if (ending_) return ending_;
  std::optional<Expiry> expiry = watch_.tick(now);
  if (expiry && expiry->rank && !member(*expiry->rank).host.empty()) {
    expiry->what += fmt::format(" [host {}]", member(*expiry->rank).host);
  }
  return expiry;
}

std::string Crew::name(Rank rank) const {
  const Member& one = member(rank);
  return one.host.empty() ? fmt::format("rank {}", rank.get())
                          : fmt::format("rank {} ({})", rank.get(), one.host);
}

}  // namespace parrun
