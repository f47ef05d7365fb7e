#include "wire/messages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <utility>
#include <vector>

#include "parrun/archive.hpp"
#include "support/kept_bytes.hpp"
#include "support/orders.hpp"

namespace {

using namespace parrun;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<FromWorker> worker_messages() {
  Report::Executing executing;
  executing.task = TaskId(9);
  executing.attempt = 2;
  executing.running = 1500ms;
  executing.limit = 3s;
  executing.overran = true;
  return {Hello{"node17", 4711, "no module", {"f int()", "g void()"}, false, "boot 1"},
          Report{5, {{"outcome", 2}, {"", -1}}, executing},
          Report{},
          Returned{5, {TaskId(1), TaskId(2)}},
          Stopped{5, false},
          Farewell{},
          Trouble{"cannot fork"},
          Heard{15, 3s},
          ShareReady{3, {4711, 5, 6, 7}, "no memory"}};
}

std::vector<FromDispatcher> dispatcher_messages() {
  return {Begin{7, 3s, true, true, true},
          Begin{},
          test::give_of(7, {{{TaskId(1), 2}, "payload"}, {{TaskId(2), 1}, Bytes(100, '\0')}}),
          Recall{7, 12},
          Stop{7, 2s},
          Cancel{7, TaskId(3)},
          Bye{},
          Alive{},
          ShareBytes{3, 100, 20, "bytes"},
          ShareAt{3, {4711, 5, 6, 7}},
          Unshare{3},
          Prepare{}};
}

template <typename Kind>
Kind back(const Kind& message) {
  if constexpr (requires { FromWorker(message); }) {
    return std::get<Kind>(decode_from_worker(test::kept(encode(FromWorker(message)))));
  } else {
    return std::get<Kind>(decode_from_dispatcher(test::kept(encode(FromDispatcher(message)))));
  }
}

TEST(Messages, FromAWorkerComeBackAsTheyWere) {
  const Hello hello = back(Hello{"node17", 4711, "no module", {"f int()", "g void()"}, true, "boot 1"});
  EXPECT_EQ(hello.host, "node17");
  EXPECT_EQ(hello.pid, 4711);
  EXPECT_EQ(hello.node, "boot 1");
  EXPECT_EQ(hello.problem, "no module");
  EXPECT_TRUE(hello.processes);
  EXPECT_FALSE(back(Hello{"", 0, "", {}, false}).processes);
  EXPECT_THAT(hello.functions, ElementsAre("f int()", "g void()"));
  const Returned returned = back(Returned{5, {TaskId(1), TaskId(2)}});
  EXPECT_EQ(returned.epoch, 5U);
  EXPECT_THAT(returned.tasks, ElementsAre(TaskId(1), TaskId(2)));
  const Stopped stopped = back(Stopped{5, false});
  EXPECT_EQ(stopped.epoch, 5U);
  EXPECT_FALSE(stopped.clean);
  EXPECT_EQ(back(Trouble{"cannot fork"}).what, "cannot fork");
  back(Farewell{});
}

TEST(Messages, AReportComesBackAsItWas) {
  Report report{5, {{"outcome", 2}, {"", -1}}, Report::Executing{}};
  report.executing->task = TaskId(9);
  report.executing->attempt = 2;
  report.executing->running = 1500ms;
  report.executing->limit = 3s;
  report.executing->overran = true;
  const Report same = back(report);
  EXPECT_EQ(same.epoch, 5U);
  ASSERT_EQ(same.finished.size(), 2U);
  EXPECT_EQ(same.finished[0].outcome, "outcome");
  EXPECT_EQ(same.finished[0].retries, 2);
  EXPECT_EQ(same.finished[1].retries, -1);
  ASSERT_TRUE(same.executing);
  EXPECT_EQ(same.executing->task, TaskId(9));
  EXPECT_EQ(same.executing->attempt, 2);
  EXPECT_EQ(same.executing->running, 1500ms);
  EXPECT_EQ(same.executing->limit, 3s);
  EXPECT_TRUE(same.executing->overran);
  const Report heartbeat = back(Report{});
  EXPECT_THAT(heartbeat.finished, IsEmpty());
  EXPECT_FALSE(heartbeat.executing);
}

TEST(Messages, AReportCanBeMadeWhereItsOutcomesLie) {
  Report report{5, {{"outcome", 2}, {"", -1}}, Report::Executing{}};
  const Bytes whole = encode(FromWorker(report));
  Bytes outcomes = Bytes(kLengthRoom, '?') + ByteWriter().put(BytesView("outcome")).put(BytesView()).take();
  report.finished.clear();
  EXPECT_EQ(encode(std::move(outcomes), {2, -1}, report), whole);
  EXPECT_EQ(encode(Bytes(kLengthRoom, '?'), {}, Report{}), encode(FromWorker(Report{})));
}

TEST(Messages, ALargeValueStandsAtTheBeginningOfItsReport) {
  Outcome outcome;
  outcome.task = TaskId(9);
  outcome.value = Bytes(100'000, 'v');
  Report report{5, {}, Report::Executing()};
  report.executing->task = TaskId(10);
  const Bytes message = encode(encode_large(outcome), 2, report);
  const FromWorker decoded = decode_from_worker(message);
  const auto& large = std::get<LargeReport>(decoded).report;
  EXPECT_EQ(large.epoch, 5U);
  EXPECT_EQ(large.executing.value().task, TaskId(10));
  ASSERT_EQ(large.finished.size(), 1U);
  EXPECT_EQ(large.finished[0].retries, 2);
  EXPECT_EQ(large.finished[0].value_size, outcome.value.size());
  EXPECT_TRUE(message.starts_with(outcome.value));
  EXPECT_EQ(decode_outcome(large.finished[0].outcome).task, TaskId(9));
  EXPECT_THROW(encode(decoded), std::logic_error);
}

TEST(Messages, ALargeValueIsNotMovedOnItsWay) {
  Outcome outcome;
  outcome.value = detail::to_bytes(std::string(100'000, 'v'));
  const char* const place = outcome.value.data();
  LargeOutcome large = encode_large(std::move(outcome));
  EXPECT_EQ(large.bytes.data(), place);
  EXPECT_EQ(encode(std::move(large), -1, Report{5, {}, Report::Executing()}).data(), place);
}

TEST(Messages, ALargeReportThatIsCutOrLongerIsNone) {
  Outcome outcome;
  outcome.value = "value";
  const Bytes message = encode(encode_large(outcome), 2, Report{5, {}, {}});
  const BytesView all = message;
  for (std::size_t size = 0; size + 1 < message.size(); ++size) {
    EXPECT_THROW(decode_from_worker(Bytes(all.substr(0, size)) + message.back()), FormatError) << size;
    EXPECT_THROW(decode_from_worker(all.substr(size + 1)), FormatError) << size;
  }
  EXPECT_THROW(decode_from_worker("x" + message), FormatError);
}

TEST(Messages, TasksCanBeWrittenWhereTheyAreSentFrom) {
  const Bytes large(100'000, 'x');
  for (const std::size_t memory : {0U, 10U, 100U, 200'000U}) {
    GiveWriter writer(7, Bytes(memory, '?'));
    EXPECT_EQ(writer.count(), 0U);
    writer.add({TaskId(1), 2}).put(BytesView("payload"));
    const std::size_t before = writer.bytes();
    writer.add({TaskId(2), 1}).put(BytesView(large));
    EXPECT_GT(writer.bytes(), before + large.size());
    EXPECT_EQ(writer.count(), 2U);
    EXPECT_EQ(std::move(writer).take(),
              encode(test::give_of(7, {{{TaskId(1), 2}, "payload"}, {{TaskId(2), 1}, large}})));
  }
  EXPECT_EQ(GiveWriter(7).take(), encode(Give{7, ""}));
}

TEST(Messages, FromTheDispatcherComeBackAsTheyWere) {
  const Begin begin = back(Begin{7, 3s, true, false, true});
  EXPECT_EQ(begin.epoch, 7U);
  EXPECT_EQ(begin.timeout, 3s);
  EXPECT_TRUE(begin.json_values);
  EXPECT_FALSE(begin.threads);
  EXPECT_TRUE(begin.kill_overrunning);
  EXPECT_FALSE(back(Begin{}).timeout);
  EXPECT_FALSE(back(Begin{}).orphaned_after);
  EXPECT_EQ(back(Begin{.epoch = 7, .orphaned_after = 90s}).orphaned_after, 90s);
  EXPECT_EQ(back(Begin{.most_value_bytes = 9}).most_value_bytes, 9U);
  const Give give = back(test::give_of(7, {{{TaskId(1), 2}, "payload"}, {{TaskId(2), 1}, ""}}));
  EXPECT_EQ(give.epoch, 7U);
  const std::vector<AttemptOrder> orders = test::orders_of(give);
  ASSERT_EQ(orders.size(), 2U);
  EXPECT_EQ(orders[0].id, (Assignment{TaskId(1), 2}));
  EXPECT_EQ(orders[0].payload, "payload");
  const Recall recall = back(Recall{7, 12});
  EXPECT_EQ(recall.epoch, 7U);
  EXPECT_EQ(recall.count, 12U);
  EXPECT_EQ(back(Stop{7}).epoch, 7U);
  EXPECT_EQ(back(Stop{7, 2s}).patience, 2s);
  EXPECT_EQ(back(Cancel{7, TaskId(3)}).task, TaskId(3));
  back(Bye{});
}

TEST(Messages, OfSharedValuesComeBackAsTheyWere) {
  const SharePlace place{.pid = 4711, .fd = 5, .inode = 6, .bytes = 7};
  const ShareBytes piece = back(ShareBytes{3, 100, 20, "bytes"});
  EXPECT_EQ(piece.id, 3U);
  EXPECT_EQ(piece.total, 100U);
  EXPECT_EQ(piece.offset, 20U);
  EXPECT_EQ(piece.bytes, "bytes");
  const ShareAt at = back(ShareAt{3, place});
  EXPECT_EQ(at.id, 3U);
  EXPECT_EQ(at.place, place);
  const ShareReady ready = back(ShareReady{3, place, "no memory"});
  EXPECT_EQ(ready.id, 3U);
  EXPECT_EQ(ready.place, place);
  EXPECT_EQ(ready.problem, "no memory");
  EXPECT_EQ(back(Unshare{3}).id, 3U);
}

TEST(Messages, TruncatedAnywhereAreRefused) {
  for (const FromWorker& message : worker_messages()) {
    const Bytes bytes = encode(message);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_THROW(decode_from_worker(BytesView(bytes).substr(0, size)), FormatError);
  }
  for (const FromDispatcher& message : dispatcher_messages()) {
    const Bytes bytes = encode(message);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_THROW(decode_from_dispatcher(BytesView(bytes).substr(0, size)), FormatError);
  }
}

TEST(Messages, WithBytesBehindTheirLastFieldAreRefused) {
  for (const FromWorker& message : worker_messages())
    EXPECT_THROW(decode_from_worker(encode(message) + 'x'), FormatError);
  for (const FromDispatcher& message : dispatcher_messages())
    EXPECT_THROW(decode_from_dispatcher(encode(message) + 'x'), FormatError);
}

TEST(Messages, OfAnUnknownKindAreRefused) {
  EXPECT_THROW(decode_from_worker("\x08"), FormatError);
  EXPECT_THROW(decode_from_dispatcher("\x0b"), FormatError);
  EXPECT_THROW(decode_from_worker("\xff"), FormatError);
  EXPECT_THROW(decode_from_worker(""), FormatError);
}

TEST(Messages, ACountThatLiesIsRefusedBeforeItTakesMemory) {
  const auto last_byte = [](const FromWorker& message) { return static_cast<std::uint8_t>(message.index()); };
  ByteWriter returned;
  returned.put<std::uint32_t>(5).put(~std::uint64_t{0}).put<std::uint64_t>(1).put(last_byte(Returned()));
  EXPECT_THROW(decode_from_worker(returned.take()), FormatError);
  ByteWriter report;
  report.put(BytesView("outcomes")).put(~std::uint64_t{0}).put<int>(-1).put(last_byte(Report()));
  EXPECT_THROW(decode_from_worker(report.take()), FormatError);
}

TEST(Messages, RandomBytesAreReadOrRefused) {
  std::mt19937 random(3);
  for (int round = 0; round < 50'000; ++round) {
    Bytes bytes(random() % 60, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() % 4 == 0 ? random() % 256 : random() % 3);
    try {
      decode_from_worker(bytes);
    } catch (const FormatError&) {
    }
    try {
      decode_from_dispatcher(bytes);
    } catch (const FormatError&) {
    }
  }
}

}  // namespace
