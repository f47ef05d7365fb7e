#include "batch/task_spec.hpp"

namespace parrun {
namespace {

// Payload: kind u8, with kWithCost where the next is there: cost f64, timeout [ns] i64 (0: none), retries i32
// (-1: none), memory limit [bytes] u64, CPU limit [ns] i64, output limit [bytes] u64 (0: none), label, env
// (count u64, then name and value), cwd, stdin, the kind's fields. Fields as in base/bytes.hpp.
enum class Kind : std::uint8_t { shell = 1, argv = 2, call = 3 };
constexpr std::uint8_t kWithCost = 0x80;

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
  const auto kind = static_cast<Kind>(first & ~kWithCost);
  if (kind != Kind::shell && kind != Kind::argv && kind != Kind::call)
    throw FormatError("an unknown kind of task");
  return kind;
}

template <typename Head>
void put_head(Kind kind, const Head& head, ByteWriter& out) {
  const auto first = static_cast<std::uint8_t>(kind);
  out.put<std::uint8_t>(head.cost ? first | kWithCost : first);
  if (head.cost) out.put(*head.cost);
  out.put(std::int64_t{head.timeout.value_or(Duration::zero()).count()},
          std::int32_t{head.retries.value_or(-1)}, head.resources.memory_bytes.value_or(0),
          std::int64_t{head.resources.cpu.value_or(Duration::zero()).count()},
          head.resources.output_bytes.value_or(0));
  out.put(head.label);
}

template <typename Head>
Kind decode_head(ByteReader& in, Head& head) {
  const auto first = in.get<std::uint8_t>();
  const Kind kind = kind_of(first);
  if ((first & kWithCost) != 0) head.cost = in.get<double>();
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
  head.label = in.get_bytes();
  return kind;
}

/// Returns what the input is.
template <typename Surroundings>
BytesView decode_surroundings(ByteReader& in, Surroundings& of) {
  for (auto count = in.get<std::uint64_t>(); count > 0; --count) {
    const BytesView name = in.get_bytes();
    of.env.emplace_back(name, in.get_bytes());
  }
  of.cwd = in.get_bytes();
  return in.get_bytes();
}

}  // namespace

Bytes encode(const TaskSpec& spec) {
  ByteWriter out;
  put_head(std::visit(KindOf(), spec.work), spec, out);
  out.put<std::uint64_t>(spec.env.size());
  for (const auto& [name, value] : spec.env) out.put(name).put(value);
  out.put(spec.cwd).put(spec.stdin_text);
  std::visit(WorkEncoder{out}, spec.work);
  return out.take();
}

void append_call(const TaskHead& head, BytesView function, BytesView arguments, ByteWriter& out) {
  constexpr std::uint64_t kNone = 0;
  put_head(Kind::call, head, out);
  out.put(kNone, kNone, kNone);  // variables, bytes of the folder's name and of the input
  out.put(function).put(arguments);
}

TaskHead decode_task_head(BytesView payload) {
  ByteReader in(payload);
  TaskHead head;
  head.is_command = decode_head(in, head) != Kind::call;
  return head;
}

std::optional<CallView> view_call(BytesView payload) {
  ByteReader in(payload);
  std::optional<CallView> view(std::in_place);
  CallView& call = *view;
  const Kind kind = decode_head(in, call.head);
  decode_surroundings(in, call);
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
  const Kind kind = decode_head(in, spec);
  spec.stdin_text = decode_surroundings(in, spec);
  spec.work = decode_work(kind, in);
  if (!in.at_end()) throw FormatError(kBytesBehind);
  return spec;
}

}  // namespace parrun
