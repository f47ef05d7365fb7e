#include "wire/messages.hpp"

#include <algorithm>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace parrun {
namespace {

// How many bytes a message will have.
class ByteCounter {
 public:
  template <Fixed T>
  void put(T /*value*/) {
    size_ += sizeof(T);
  }
  void put(BytesView text) { size_ += sizeof(std::uint64_t) + text.size(); }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
};

// One function for both directions: each message lists its fields once, in `fields`.
template <typename Sink>
struct Out {
  Sink& bytes;

  template <Fixed T>
  void field(const T& value) {
    bytes.put(value);
  }
  void field(const std::string& value) { bytes.put(value); }
  void field(const BytesView& value) { bytes.put(value); }
  void field(const TaskId& value) { bytes.put(value.get()); }
  void field(const Duration& value) { bytes.put(value.count()); }
  template <typename T>
  void field(const std::optional<T>& value) {
    bytes.put(value.has_value());
    if (value) field(*value);
  }
  template <typename T>
  void field(const std::vector<T>& values) {
    bytes.put(std::uint64_t{values.size()});
    for (const T& value : values) field(value);
  }
  template <typename T>
  requires std::is_class_v<T>
  void field(const T& value) { fields(*this, const_cast<T&>(value)); }  // Out only reads
};

struct In {
  ByteReader bytes;

  template <Fixed T>
  void field(T& value) {
    value = bytes.get<T>();
  }
  void field(std::string& value) { value = bytes.get_string(); }
  void field(BytesView& value) { value = bytes.get_bytes(); }
  void field(TaskId& value) { value = TaskId(bytes.get<std::uint64_t>()); }
  void field(Duration& value) { value = Duration(bytes.get<Duration::rep>()); }
  template <typename T>
  void field(std::optional<T>& value) {
    if (bytes.get<bool>()) field(*(value = T{}));
  }
  template <typename T>
  void field(std::vector<T>& values) {
    for (auto count = bytes.get<std::uint64_t>(); count > 0; --count) field(values.emplace_back());
  }
  template <typename T>
  requires std::is_class_v<T>
  void field(T& value) { fields(*this, value); }
};

template <typename Way, typename... T>
void all(Way& way, T&... values) {
  (way.field(values), ...);
}

template <typename Way>
void fields(Way& way, Hello& m) {
  all(way, m.host, m.pid, m.problem, m.functions, m.processes, m.node);
}
template <typename Way>
void fields(Way& way, Report::Executing& m) {
  all(way, m.task, m.attempt, m.running, m.limit, m.overran);
}
// All outcomes are one string, and stand first: a worker sends them from where they have come to lie.
template <typename Sink>
void finished(Out<Sink>& out, std::vector<Report::Finished>& tasks) {
  std::uint64_t size = 0;
  for (const Report::Finished& task : tasks) size += kLengthRoom + task.outcome.size();
  out.field(size);
  for (const Report::Finished& task : tasks) out.field(task.outcome);
  out.field(std::uint64_t{tasks.size()});
  for (const Report::Finished& task : tasks) out.field(task.retries);
}
void finished(In& in, std::vector<Report::Finished>& tasks) {
  const BytesView all_outcomes = in.bytes.get_bytes();
  ByteReader outcomes(all_outcomes);
  auto count = in.bytes.get<std::uint64_t>();
  tasks.reserve(std::min<std::uint64_t>(count, all_outcomes.size() / kLengthRoom));
  for (; count > 0; --count) {
    const BytesView outcome = outcomes.get_bytes();
    tasks.push_back({outcome, in.bytes.get<int>()});
  }
  if (!outcomes.at_end()) throw FormatError("bytes behind a report's last outcome");
}
template <typename Way>
void fields(Way& way, Report& m) {
  finished(way, m.finished);
  all(way, m.epoch, m.executing);
}
// Read from its end: how much of it is the value, and how much the rest of the outcome, comes last.
constexpr std::size_t kSizesOfLarge = 2 * sizeof(std::uint64_t);
void fields(In& in, LargeReport& m) {
  const BytesView all_bytes = in.bytes.rest();
  if (all_bytes.size() < kSizesOfLarge) throw FormatError("a report that ends too early");
  ByteReader sizes(all_bytes.substr(all_bytes.size() - kSizesOfLarge));
  In begin{ByteReader(all_bytes.substr(0, all_bytes.size() - kSizesOfLarge))};
  Report::Finished& finished = m.report.finished.emplace_back();
  finished.value_size = sizes.get<std::uint64_t>();
  begin.bytes.get_bytes(finished.value_size);
  finished.outcome = begin.bytes.get_bytes(sizes.get<std::uint64_t>());
  all(begin, finished.retries, m.report.epoch, m.report.executing);
  if (!begin.bytes.at_end()) throw FormatError("bytes behind a report's last field");
}
template <typename Sink>
void fields(Out<Sink>& /*out*/, LargeReport& /*m*/) {
  throw std::logic_error("a large report is encoded where its value lies");
}
template <typename Way>
void fields(Way& way, Returned& m) {
  all(way, m.epoch, m.tasks);
}
template <typename Way>
void fields(Way& way, Stopped& m) {
  all(way, m.epoch, m.clean);
}
template <typename Way>
void fields(Way& /*way*/, Farewell& /*m*/) {}
template <typename Way>
void fields(Way& way, Trouble& m) {
  all(way, m.what);
}
template <typename Way>
void fields(Way& way, Heard& m) {
  all(way, m.signal, m.ago);
}
template <typename Way>
void fields(Way& way, ResourceLimits& m) {
  all(way, m.memory_bytes, m.cpu, m.output_bytes);
}
template <typename Way>
void fields(Way& way, Begin& m) {
  all(way, m.epoch, m.timeout, m.json_values, m.threads, m.kill_overrunning, m.resources, m.grace,
      m.orphaned_after, m.most_value_bytes);
}
template <typename Way>
void fields(Way& way, Give& m) {
  all(way, m.epoch, m.orders);
}
template <typename Way>
void fields(Way& way, Recall& m) {
  all(way, m.epoch, m.count);
}
template <typename Way>
void fields(Way& way, Cancel& m) {
  all(way, m.epoch, m.task);
}
template <typename Way>
void fields(Way& way, Stop& m) {
  all(way, m.epoch, m.patience);
}
template <typename Way>
void fields(Way& /*way*/, Bye& /*m*/) {}
template <typename Way>
void fields(Way& /*way*/, Alive& /*m*/) {}
template <typename Way>
void fields(Way& /*way*/, Prepare& /*m*/) {}

template <typename Way>
void fields(Way& way, SharePlace& m) {
  all(way, m.pid, m.fd, m.inode, m.bytes);
}
template <typename Way>
void fields(Way& way, ShareReady& m) {
  all(way, m.id, m.place, m.problem);
}
template <typename Way>
void fields(Way& way, ShareBytes& m) {
  all(way, m.id, m.total, m.offset, m.bytes);
}
template <typename Way>
void fields(Way& way, ShareAt& m) {
  all(way, m.id, m.place);
}
template <typename Way>
void fields(Way& way, Unshare& m) {
  all(way, m.id);
}

template <typename Variant>
Bytes encode_variant(const Variant& message) {
  const auto write = [&](auto& sink) {
    Out<std::decay_t<decltype(sink)>> out{sink};
    std::visit([&](const auto& alternative) { out.field(alternative); }, message);
    sink.put(static_cast<std::uint8_t>(message.index()));
  };
  ByteCounter counter;
  write(counter);
  ByteWriter writer(counter.size());
  write(writer);
  return writer.take();
}

template <typename Variant, std::size_t I = 0>
Variant decode_variant(std::uint8_t index, In& in) {
  if constexpr (I < std::variant_size_v<Variant>) {
    if (index != I) return decode_variant<Variant, I + 1>(index, in);
    std::variant_alternative_t<I, Variant> message;
    in.field(message);
    return message;
  } else {
    throw FormatError("an unknown kind of message");
  }
}

template <typename Variant>
Variant decode_whole(BytesView bytes) {
  if (bytes.empty()) throw FormatError("an empty message");
  In in{ByteReader(bytes.substr(0, bytes.size() - 1))};
  const auto index = static_cast<std::uint8_t>(bytes.back());
  auto message = decode_variant<Variant>(index, in);
  if (!in.bytes.at_end()) throw FormatError("bytes behind a message's last field");
  return message;
}

}  // namespace

Bytes encode(const FromWorker& message) { return encode_variant(message); }
Bytes encode(const FromDispatcher& message) { return encode_variant(message); }

Bytes encode(Bytes outcomes, const std::vector<int>& retries, const Report& report) {
  const std::uint64_t size = outcomes.size() - kLengthRoom;
  ByteWriter writer(std::move(outcomes));
  writer.set(0, size);
  Out<ByteWriter> out{writer};
  all(out, retries, report.epoch, report.executing);
  writer.put(static_cast<std::uint8_t>(FromWorker(Report()).index()));
  return writer.take();
}

Bytes encode(LargeOutcome outcome, int retries, const Report& report) {
  const std::uint64_t value_size = outcome.value_size, rest_size = outcome.rest().size();
  ByteWriter writer(std::move(outcome.bytes));
  Out<ByteWriter> out{writer};
  all(out, retries, report.epoch, report.executing, value_size, rest_size);
  writer.put(static_cast<std::uint8_t>(FromWorker(LargeReport()).index()));
  return writer.take();
}

GiveWriter::GiveWriter(std::uint32_t epoch, Bytes memory) : writer_(ByteWriter::over(std::move(memory))) {
  static_assert(kOverhead == sizeof epoch + kLengthRoom + sizeof(std::uint8_t));
  writer_.put(epoch, std::uint64_t{0});
}

Bytes GiveWriter::take() && {
  end_last();
  constexpr std::size_t kLengthAt = sizeof(Give::epoch);
  writer_.set<std::uint64_t>(kLengthAt, writer_.size() - kLengthAt - kLengthRoom);
  writer_.put(static_cast<std::uint8_t>(FromDispatcher(Give()).index()));
  return writer_.take();
}

FromWorker decode_from_worker(BytesView bytes) { return decode_whole<FromWorker>(bytes); }
FromDispatcher decode_from_dispatcher(BytesView bytes) { return decode_whole<FromDispatcher>(bytes); }

}  // namespace parrun
