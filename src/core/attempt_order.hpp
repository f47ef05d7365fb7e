#pragma once
// An order to make an attempt, as one frame of bytes. It is made once, by the dispatcher, and stays as it is
// until an executor reads it: workers move many that lie one behind the other at once, and take none apart.
//
// A frame: length of the rest u64, kind u8 (kOrder; exec/channel.hpp has others), task u64, attempt i32,
// payload (a string). Fields as in base/bytes.hpp.

#include <cstddef>
#include <cstdint>

#include "base/bytes.hpp"
#include "parrun/id.hpp"

namespace parrun {

struct AttemptOrder {
  Assignment id;
  BytesView payload;  ///< encode(TaskSpec)
};

inline constexpr std::uint8_t kOrder = 1;

/// A frame, of whatever kind. Returns where it begins, for end_frame() behind its content.
inline std::size_t begin_frame(ByteWriter& out) {
  const std::size_t begin = out.size();
  out.put<std::uint64_t>(0);
  return begin;
}
/// `apart`: bytes of it that are written behind `out`.
inline void end_frame(std::size_t begin, ByteWriter& out, std::size_t apart = 0) {
  out.set<std::uint64_t>(begin, out.size() - begin - sizeof(std::uint64_t) + apart);
}
inline Bytes framed(BytesView bytes) {
  ByteWriter out;
  out.put(bytes);
  return out.take();
}

/// An order's frame, behind which its payload is to be put, as a string, before end_frame().
inline std::size_t begin_order(const Assignment& id, ByteWriter& out) {
  const std::size_t begin = begin_frame(out);
  out.put(kOrder, id.task.get(), id.attempt);
  return begin;
}
inline Bytes encode(const AttemptOrder& order) {
  ByteWriter out(order.payload.size() + 64);
  const std::size_t begin = begin_order(order.id, out);
  out.put(order.payload);
  end_frame(begin, out);
  return out.take();
}

/// An order's fields, behind its kind. Throws FormatError where that is none; its view is of what is read.
inline AttemptOrder read_order(ByteReader& in) {
  std::uint64_t task = 0;
  std::int32_t attempt = 0;
  in.get(task, attempt);
  const BytesView payload = in.get_bytes();
  if (!in.at_end()) throw FormatError("bytes behind an order's payload");
  return {{TaskId(task), attempt}, payload};
}
/// A frame's content, likewise.
inline AttemptOrder order_in(BytesView content) {
  ByteReader in(content);
  if (in.get<std::uint8_t>() != kOrder) throw FormatError("a frame that is no order");
  return read_order(in);
}
/// The next frame of those that lie one behind the other.
inline AttemptOrder take_order(ByteReader& in) { return order_in(in.get_bytes()); }
/// The whole frame.
inline AttemptOrder decode_order(BytesView frame) {
  ByteReader in(frame);
  const AttemptOrder order = take_order(in);
  if (!in.at_end()) throw FormatError("bytes behind an order");
  return order;
}
/// Calls `each(order, frame)` for each of the frames that lie one behind the other.
void for_each_order(BytesView frames, auto each) {
  for (ByteReader in(frames); !in.at_end();) {
    const BytesView content = in.get_bytes();
    each(order_in(content), BytesView(content.data() - kLengthRoom, kLengthRoom + content.size()));
  }
}

}  // namespace parrun
