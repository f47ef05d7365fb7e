#include "core/attempt_order.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

using namespace parrun;

const AttemptOrder kSample{{TaskId(7), 2}, "payload"};

TEST(AttemptOrder, ComesBackAsItWas) {
  for (const BytesView payload : {"payload", ""}) {
    const Bytes frame = encode(AttemptOrder{kSample.id, payload});
    const AttemptOrder back = decode_order(frame);
    EXPECT_EQ(back.id, kSample.id);
    EXPECT_EQ(back.payload, payload);
    EXPECT_EQ(framed(BytesView(frame).substr(kLengthRoom)), frame) << "it is a frame like any other";
  }
}

TEST(AttemptOrder, CanBeWrittenWhereItIsSentFrom) {
  ByteWriter out;
  out.put(BytesView("before"));
  const std::size_t begin = begin_order(kSample.id, out);
  out.put(kSample.payload);
  end_frame(begin, out);
  EXPECT_EQ(out.view().substr(begin), encode(kSample));
}

TEST(AttemptOrder, CutOrLongerOrOfAnotherKindIsNone) {
  const Bytes frame = encode(kSample);
  for (std::size_t size = 0; size < frame.size(); ++size)
    EXPECT_THROW(decode_order(BytesView(frame).substr(0, size)), FormatError) << size;
  EXPECT_THROW(decode_order(frame + 'x'), FormatError);
  const BytesView content = BytesView(frame).substr(kLengthRoom);
  EXPECT_THROW(decode_order(framed(Bytes(content) + 'x')), FormatError);
  EXPECT_THROW(decode_order(framed('\2' + Bytes(content.substr(1)))), FormatError);
}

TEST(AttemptOrder, ManyLieOneBehindTheOther) {
  const std::vector<Bytes> frames{encode(kSample), encode(AttemptOrder{{TaskId(8), 1}, ""})};
  std::vector<BytesView> seen;
  const Bytes all = frames[0] + frames[1];
  for_each_order(all, [&](const AttemptOrder& order, BytesView frame) {
    EXPECT_EQ(order.id.task, TaskId(7 + seen.size()));
    seen.push_back(frame);
  });
  EXPECT_EQ(seen, (std::vector<BytesView>{frames[0], frames[1]}));
  EXPECT_THROW(for_each_order(all + 'x', [](const AttemptOrder&, BytesView) {}), FormatError);
}

}  // namespace
