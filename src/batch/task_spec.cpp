#include "batch/task_spec.hpp"

namespace parrun {
namespace {

// Payload: kind u8, with a bit for each part that is there; the parts, in this order; the kind's fields. Most
// tasks have no part. Fields as in base/bytes.hpp.
enum class Kind : std::uint8_t { shell = 1, argv = 2, call = 3 };
constexpr std::uint8_t kCost = 0x80;  // cost f64
// Timeout [ns] i64 (0: none), retries i32 (-1: none), limits of memory [bytes] u64, CPU [ns] i64 and output
// [bytes] u64 (0: none).
constexpr std::uint8_t kLimits = 0x40;
constexpr std::uint8_t kLabel = 0x20;         // a string
constexpr std::uint8_t kSurroundings = 0x10;  // env (count u64, then name and value), cwd, stdin
constexpr std::uint8_t kAnyPart = kCost | kLimits | kLabel | kSurroundings;

constexpr const char* kNoProgram = "a command without a program";
constexpr const char* kBytesBehind = "bytes behind a task's last field";

struct WorkEncoder {
  ByteWriter& out;
  void operator()(const ShellCommand& work) { out.put(work.line); }
  void operator()(const ArgvCommand& work) {
    out.put<std::uint64_t>(work.argv.size());
    for (const std::string& argument : work.argv) out.put(argument);
  }
  void operator()(const Call& work) { out.put(work.function).put(work.arguments); }
};

ArgvCommand decode_argv(ByteReader& in) {
  ArgvCommand work;
  for (auto count = in.get<std::uint64_t>(); count > 0; --count) work.argv.push_back(in.get_string());
  if (work.argv.empty()) throw FormatError(kNoProgram);
  return work;
}

struct KindOf {
  Kind operator()(const ShellCommand&) const { return Kind::shell; }
  Kind operator()(const ArgvCommand&) const { return Kind::argv; }
  Kind operator()(const Call&) const { return Kind::call; }
};

decltype(TaskSpec::work) decode_work(Kind kind, ByteReader& in) {
  switch (kind) {
    case Kind::shell:
      return ShellCommand{in.get_string()};
    case Kind::argv:
      return decode_argv(in);
    case Kind::call: {
      std::string function = in.get_string();
      return Call{std::move(function), in.get_string()};
    }
  }
  throw FormatError("an unknown kind of task");
}

Kind kind_of(std::uint8_t first) {
  const auto kind = static_cast<Kind>(first & ~kAnyPart);
  if (kind != Kind::shell && kind != Kind::argv && kind != Kind::call)
    throw FormatError("an unknown kind of task");
  return kind;
}

std::uint8_t unless(bool absent, std::uint8_t part) { return absent ? 0 : part; }

/// `surroundings`: kSurroundings where they follow.
template <typename Head>
void put_head(Kind kind, const Head& head, std::uint8_t surroundings, ByteWriter& out) {
  const ResourceLimits& resources = head.resources;
  const std::uint8_t cost = unless(!head.cost, kCost);
  const bool no_resources = !resources.memory_bytes && !resources.cpu && !resources.output_bytes;
  const std::uint8_t limits = unless(!head.timeout && !head.retries && no_resources, kLimits);
  const std::uint8_t label = unless(head.label.empty(), kLabel);
  out.put(static_cast<std::uint8_t>(static_cast<std::uint8_t>(kind) | cost | limits | label | surroundings));
  if (cost != 0) out.put(*head.cost);
  if (limits != 0) {
    out.put(std::int64_t{head.timeout.value_or(Duration::zero()).count()},
            std::int32_t{head.retries.value_or(-1)}, resources.memory_bytes.value_or(0),
            std::int64_t{resources.cpu.value_or(Duration::zero()).count()},
            resources.output_bytes.value_or(0));
  }
  if (label != 0) out.put(head.label);
}

template <typename Head>
void decode_limits(ByteReader& in, Head& head) {
  std::int64_t timeout = 0;
  std::int32_t retries = -1;
  std::uint64_t memory = 0;
  std::int64_t cpu = 0;
  std::uint64_t output = 0;
  in.get(timeout, retries, memory, cpu, output);
  if (timeout > 0) head.timeout = Duration(timeout);
  if (retries >= 0) head.retries = retries;
  if (memory > 0) head.resources.memory_bytes = memory;
  if (cpu > 0) head.resources.cpu = Duration(cpu);
  if (output > 0) head.resources.output_bytes = output;
}

/// Returns the first byte.
template <typename Head>
std::uint8_t decode_head(ByteReader& in, Head& head) {
  const auto first = in.get<std::uint8_t>();
  if ((first & kCost) != 0) head.cost = in.get<double>();
  if ((first & kLimits) != 0) decode_limits(in, head);
  if ((first & kLabel) != 0) head.label = in.get_bytes();
  return first;
}

/// Returns what the input is.
template <typename Surroundings>
BytesView decode_surroundings(std::uint8_t first, ByteReader& in, Surroundings& of) {
  if ((first & kSurroundings) == 0) return {};
  for (auto count = in.get<std::uint64_t>(); count > 0; --count) {
    const BytesView name = in.get_bytes();
    of.env.emplace_back(name, in.get_bytes());
  }
  of.cwd = in.get_bytes();
  return in.get_bytes();
}

}  // namespace

Bytes encode(const TaskSpec& spec) {
  const bool plain_surroundings = spec.env.empty() && spec.cwd.empty() && spec.stdin_text.empty();
  const std::uint8_t surroundings = unless(plain_surroundings, kSurroundings);
  ByteWriter out;
  put_head(std::visit(KindOf(), spec.work), spec, surroundings, out);
  if (surroundings != 0) {
    out.put<std::uint64_t>(spec.env.size());
    for (const auto& [name, value] : spec.env) out.put(name).put(value);
    out.put(spec.cwd).put(spec.stdin_text);
  }
  std::visit(WorkEncoder{out}, spec.work);
  return out.take();
}

void append_call(const TaskHead& head, BytesView function, BytesView arguments, ByteWriter& out) {
  put_head(Kind::call, head, 0, out);
  out.put(function).put(arguments);
}

TaskHead decode_task_head(BytesView payload) {
  ByteReader in(payload);
  TaskHead head;
  head.is_command = kind_of(decode_head(in, head)) != Kind::call;
  return head;
}

std::optional<CallView> view_call(BytesView payload) {
  ByteReader in(payload);
  std::optional<CallView> view(std::in_place);
  CallView& call = *view;
  const std::uint8_t first = decode_head(in, call.head);
  decode_surroundings(first, in, call);
  const Kind kind = kind_of(first);
  switch (kind) {
    case Kind::shell:
      in.get_bytes();
      break;
    case Kind::argv: {
      auto count = in.get<std::uint64_t>();
      if (count == 0) throw FormatError(kNoProgram);
      for (; count > 0; --count) in.get_bytes();
      break;
    }
    case Kind::call:
      call.function = in.get_bytes();
      call.arguments = in.get_bytes();
  }
  if (!in.at_end()) throw FormatError(kBytesBehind);
  if (kind != Kind::call) view.reset();
  return view;
}

TaskSpec decode_task(BytesView payload) {
  ByteReader in(payload);
  TaskSpec spec;
  const std::uint8_t first = decode_head(in, spec);
  spec.stdin_text = decode_surroundings(first, in, spec);
  spec.work = decode_work(kind_of(first), in);
  if (!in.at_end()) throw FormatError(kBytesBehind);
  return spec;
}

}  // namespace parrun
