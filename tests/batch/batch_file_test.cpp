#include "batch/batch_file.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <limits>

#include "support/batches.hpp"
#include "support/sanitizers.hpp"
#include "support/temp_dir.hpp"

namespace parrun {
namespace {

using test::call;
using test::command;
using test::input_error;
using test::read_bytes;
using test::TempDir;
using test::write_batch;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class BatchFileTest : public ::testing::Test {
 protected:
  std::string pack(const std::vector<TaskSpec>& specs, const char* name = "jobs.bin") {
    write_batch(dir_.file(name), specs);
    return dir_.file(name);
  }
  /// The refusal of a file of these bytes.
  std::string refusal_of(const std::string& bytes) {
    const std::string path = dir_.write("bad.bin", bytes);
    return input_error([&] { BatchFile batch(path); });
  }
  /// A small batch of every kind of task.
  std::string small_batch() {
    TaskSpec full = command("echo");
    full.cost = 0.125;
    full.label = "label";
    full.timeout = std::chrono::seconds(3);
    full.env = {{"A", "b"}};
    return read_bytes(pack({full, call("simulate", "1234"), command("x")}));
  }

  TempDir dir_;
};

TEST_F(BatchFileTest, NoTasksAreABatch) {
  const BatchFile batch(pack({}));
  EXPECT_EQ(batch.size(), 0);
  EXPECT_FALSE(batch.has_commands());
  EXPECT_FALSE(batch.has_calls());
  EXPECT_TRUE(batch.functions().empty());
}

TEST_F(BatchFileTest, OneTaskComesBackAsItWas) {
  const BatchFile batch(pack({command("echo hi")}));
  EXPECT_EQ(test::tasks_of(batch), std::vector{command("echo hi")});
  EXPECT_TRUE(batch.has_commands());
  EXPECT_FALSE(batch.has_calls());
}

TEST_F(BatchFileTest, RandomTasksComeBackAsTheyWere) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    test::RandomTasks random(seed);
    std::vector<TaskSpec> specs(std::size_t{7} * seed);
    for (TaskSpec& spec : specs) spec = random.next();
    const BatchFile batch(pack(specs));
    ASSERT_EQ(test::tasks_of(batch), specs) << "seed " << seed;
  }
}

TEST_F(BatchFileTest, TellsTheFunctionsItCallsOnceAndSorted) {
  const BatchFile batch(pack({call("b"), call("a"), call("b")}));
  EXPECT_EQ(batch.functions(), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(batch.has_calls());
  EXPECT_FALSE(batch.has_commands());
}

TEST_F(BatchFileTest, ContentHashTellsTasksAndTheirOrderNotTheFile) {
  const BatchFile one(pack({command("a"), command("b")}, "one")),
      same(pack({command("a"), command("b")}, "same")), turned(pack({command("b"), command("a")}, "turned")),
      other(pack({command("a"), command("c")}, "other"));
  EXPECT_EQ(one.content_hash(), same.content_hash());
  EXPECT_NE(one.content_hash(), turned.content_hash());
  EXPECT_NE(one.content_hash(), other.content_hash());
}

TEST_F(BatchFileTest, HugePayloadComesBackAsItWas) {
  const std::vector specs{command("before"), call("f", Bytes(32 << 20, 'x')), command("behind")};
  const BatchFile batch(pack(specs));
  EXPECT_TRUE(test::tasks_of(batch) == specs);
}

TEST_F(BatchFileTest, PayloadsAreAppendedAsTheyAreWhateverTheirSize) {
  std::vector<TaskSpec> specs;
  for (const std::size_t size : {10U, 65'000U, 65'536U, 70'000U, 1'000'000U, 1U, 5'000'000U})
    specs.push_back(call("f", Bytes(size, static_cast<char>('a' + specs.size()))));
  const BatchFile batch(pack(specs));
  for (std::uint64_t task = 0; task < specs.size(); ++task) {
    ByteWriter out = ByteWriter::over(Bytes(100'000, '?'));
    batch.append_payload(TaskId(task), out.put(7));
    ASSERT_TRUE(out.view() == ByteWriter().put(7).put(BytesView(encode(specs[task]))).view()) << task;
  }
}

TEST_F(BatchFileTest, WhatIsShortenedInTheMiddleOfARunCannotBeRead) {
  const std::string path = pack(std::vector(3, call("f", Bytes(100'000, 'x'))));
  const MappedFile file(path);
  const std::uint64_t size = file.bytes().size();
  ASSERT_EQ(truncate(path.c_str(), static_cast<off_t>(size - 10)), 0);
  Bytes bytes(20, '?');
  file.read(size - 30, 20, bytes.data());
  try {
    file.read(size - 20, 20, bytes.data());
    FAIL() << "it was read";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(
        error.what(),
        fmt::format("{} was shortened while it was read: it ends at byte {}; pack it again, under another "
                    "name while a run reads it",
                    path, size - 10));
  }
}

TEST_F(BatchFileTest, KnowsThatItWasWrittenTo) {
  const std::string path = pack({command("a")});
  BatchFile batch(path);
  EXPECT_NO_THROW(batch.require_unchanged());
  const Bytes bytes = read_bytes(path);
  std::filesystem::last_write_time(path,
                                   std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_NO_THROW(batch.require_unchanged()) << "it was only touched";
  const std::string beside = path + ".new";
  std::ofstream(beside) << bytes;
  std::filesystem::rename(beside, path);
  EXPECT_NO_THROW(batch.require_unchanged()) << "what was opened is as it was";
  BatchFile replaced(path);
  const Bytes other = read_bytes(pack({command("b")}, "other.bin"));
  ASSERT_EQ(other.size(), bytes.size());
  std::fstream(path, std::ios::in | std::ios::out) << other;
  EXPECT_THROW(replaced.require_unchanged(), std::runtime_error);
}

TEST_F(BatchFileTest, TellsTheLabelsOfItsTasks) {
  TaskSpec labelled = command("x");
  labelled.label = "label";
  const BatchFile with(pack({command("a"), labelled, command("b")}, "with"));
  EXPECT_EQ(with.label(TaskId(0)), "");
  EXPECT_EQ(with.label(TaskId(1)), "label");
  EXPECT_EQ(with.label(TaskId(2)), "");
  const BatchFile without(pack({command("a")}, "without"));
  EXPECT_EQ(without.label(TaskId(0)), "");
}

TEST_F(BatchFileTest, TellsTheCostsOfItsTasks) {
  std::vector specs(3, command("x"));
  specs[0].cost = 0.5;
  specs[2].cost = 0;
  const BatchFile batch(pack(specs));
  EXPECT_EQ(batch.costs(), (std::vector{0.5F, std::numeric_limits<float>::infinity(), 0.0F}));
}

TEST_F(BatchFileTest, CountsTheTasksThatItHasChecked) {
  std::atomic<std::uint64_t> checked = 0;
  const BatchFile batch(pack({command("a"), command("b")}), &checked);
  EXPECT_EQ(checked, 2U);
}

TEST_F(BatchFileTest, ReleasedTasksStayReadable) {
  const TaskSpec large = call("f", Bytes(1 << 20, 'x'));
  BatchFile batch(pack(std::vector(20, large)));
  for (std::uint64_t task = 0; task <= batch.size() + 1; ++task) batch.release_before(TaskId(task));
  for (const TaskSpec& spec : test::tasks_of(batch)) ASSERT_TRUE(spec == large);
}

// The windows of the check, of costs and of release_before, counted in pages that are really resident.
TEST_F(BatchFileTest, ResidentMemoryStaysBounded) {
  if (test::kThreadSanitized) GTEST_SKIP() << "the sanitizer's own memory counts too";
  const auto resident_bytes = [] {
    std::ifstream status("/proc/self/statm");
    long total = 0, resident = 0;
    status >> total >> resident;
    return resident * ::sysconf(_SC_PAGESIZE);
  };
  constexpr long kAllowed = 100 << 20;
  constexpr long kAllowedByCheck = 10 << 20;
  std::vector specs(200, call("f", Bytes(1 << 20, 'x')));
  specs.push_back(call("f", Bytes(32 << 20, 'x')));
  const std::string path = pack(specs);
  specs = {};
  const long before = resident_bytes();
  BatchFile batch(path);
  EXPECT_LT(resident_bytes() - before, kAllowedByCheck);
  EXPECT_EQ(batch.costs().size(), batch.size());
  EXPECT_LT(resident_bytes() - before, kAllowedByCheck);
  for (std::uint64_t task = 0; task < batch.size(); ++task) {
    ASSERT_EQ(batch.payload(TaskId(task)).back(), 'x');
    const bool last = task + 1 == batch.size();
    ASSERT_EQ(format::checksum(batch.payload(TaskId(task))) == format::checksum(batch.payload(TaskId(0))),
              !last);
    batch.release_before(TaskId(task));
    ASSERT_LT(resident_bytes() - before, kAllowed);
  }
}

TEST_F(BatchFileTest, TruncatedAnywhereIsRefused) {
  const std::string whole = small_batch();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string refusal = refusal_of(whole.substr(0, size));
    ASSERT_THAT(refusal, HasSubstr("bad.bin")) << "at " << size << " bytes";
    ASSERT_THAT(refusal, HasSubstr("pack it again")) << "at " << size << " bytes";
    ASSERT_THAT(refusal, HasSubstr(size == 0 ? "is empty" : "it is truncated")) << "at " << size << " bytes";
    ASSERT_THAT(refusal, Not(HasSubstr("\n")));
  }
}

TEST_F(BatchFileTest, AnyFlippedBitIsRefused) {
  const std::string whole = small_batch();
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const std::string refusal = refusal_of(flipped);
    ASSERT_THAT(refusal, HasSubstr("bad.bin")) << "bit " << bit;
    ASSERT_THAT(refusal, HasSubstr(bit < 64 ? "is no batch file" : "is damaged at byte")) << "bit " << bit;
  }
}

TEST_F(BatchFileTest, AnyMissingOrAddedByteIsRefused) {
  const std::string whole = small_batch();
  for (std::size_t at = 0; at <= whole.size(); ++at) {
    ASSERT_NE(refusal_of(std::string(whole).insert(at, 1, 'x')), "") << "added at " << at;
    if (at < whole.size()) {
      ASSERT_NE(refusal_of(std::string(whole).erase(at, 1)), "") << "missing at " << at;
    }
  }
}

TEST_F(BatchFileTest, TwoFilesInOneAreRefused) {
  const std::string whole = small_batch();
  EXPECT_THAT(refusal_of(whole + whole), HasSubstr("its trailer says"));
}

TEST_F(BatchFileTest, TheDamagedTaskIsNamed) {
  std::string bytes = read_bytes(pack({command("first"), command("second")}));
  bytes[bytes.find("second")] = 'S';
  EXPECT_THAT(refusal_of(bytes), HasSubstr("the checksum of task 1 does not match"));
}

// What a checksum cannot find, because a writer gone wrong would have summed it up too.
TEST_F(BatchFileTest, ATrailerThatLiesIsRefused) {
  const std::string whole = small_batch();
  const BytesView true_trailer = BytesView(whole).substr(whole.size() - format::kTrailerSize);
  struct Lie {
    void (*tell)(format::Trailer&);
    const char* refusal;
  };
  const Lie lies[] = {
      {[](auto& trailer) { ++trailer.task_count; }, "contradicts itself"},
      {[](auto& trailer) { trailer.task_count += 1ULL << 61; }, "contradicts itself"},
      {[](auto& trailer) { trailer.names_offset = ~0ULL; }, "contradicts itself"},
      {[](auto& trailer) { trailer.names_offset = 0; }, "contradicts itself"},
      {[](auto& trailer) { trailer.index_offset += 8; }, "contradicts itself"},
      {[](auto& trailer) { --trailer.names_offset; }, "names does not match"},
      {[](auto& trailer) { --trailer.task_count, trailer.index_offset += 8; }, "names does not match"},
      {[](auto& trailer) { ++trailer.content_hash; }, "does not fit its tasks"},
      {[](auto& trailer) { ++trailer.index_checksum; }, "does not fit its tasks"},
      {[](auto& trailer) { trailer.contents = 1; }, "does not fit its tasks"},
      {[](auto& trailer) { ++trailer.file_size; }, "its trailer says"},
  };
  for (const Lie& lie : lies) {
    format::Trailer trailer = format::decode_trailer(true_trailer);
    lie.tell(trailer);
    const std::string lying = whole.substr(0, whole.size() - format::kTrailerSize) + encode(trailer);
    EXPECT_THAT(refusal_of(lying), HasSubstr(lie.refusal)) << "lie " << &lie - lies;
  }
}

TEST_F(BatchFileTest, ATaskThatNoReaderUnderstandsIsRefused) {
  std::string bytes = small_batch();
  // Kind 9, under a checksum that fits it.
  const std::size_t payload = format::kHeaderSize + format::kFrameSize;
  const std::size_t length = encode(test::tasks_of(BatchFile(dir_.file("jobs.bin"))).front()).size();
  bytes[payload] = 9;
  const Bytes sum =
      ByteWriter().put(format::checksum(BytesView(bytes).substr(payload, length), length)).take();
  bytes.replace(format::kHeaderSize + 8, 8, sum);
  EXPECT_THAT(refusal_of(bytes), HasSubstr("task 0 cannot be read (an unknown kind of task)"));
}

TEST_F(BatchFileTest, AnotherVersionIsToldApartFromDamage) {
  std::string bytes = small_batch();
  bytes.replace(0, format::kHeaderSize, encode(format::Header{.version = 1}));
  EXPECT_THAT(refusal_of(bytes), HasSubstr("format version 1"));
  bytes.replace(0, format::kHeaderSize, encode(format::Header{.flags = 4}));
  EXPECT_THAT(refusal_of(bytes), HasSubstr("flags 4"));
}

TEST_F(BatchFileTest, ForeignFilesAreRefused) {
  EXPECT_THAT(refusal_of("echo hi\n"), HasSubstr("is no batch file"));
  EXPECT_THAT(refusal_of("e"), HasSubstr("is no batch file"));
  EXPECT_THAT(refusal_of(std::string("SQLite format 3\0...", 19)),
              AllOf(HasSubstr("'parrun results' and 'parrun status'"), Not(HasSubstr("parrun pack"))));
  EXPECT_THAT(refusal_of(std::string(5000, '\0')), HasSubstr("is no batch file"));
  EXPECT_THAT(input_error([] { BatchFile("/proc/self/exe"); }), HasSubstr("is no batch file"));
}

TEST_F(BatchFileTest, WhatIsNoReadableFileIsRefused) {
  EXPECT_THAT(input_error([&] { BatchFile(dir_.file("missing")); }), HasSubstr("No such file"));
  EXPECT_THAT(input_error([&] { BatchFile(dir_.path().string()); }), HasSubstr("is a directory"));
  EXPECT_THAT(input_error([] { BatchFile("/dev/null"); }), HasSubstr("not a regular file"));
  EXPECT_THAT(input_error([] { BatchFile("/dev/null/x"); }), HasSubstr("Not a directory"));
}

TEST_F(BatchFileTest, AFifoIsRefusedAndNotWaitedFor) {
  ASSERT_EQ(::mkfifo(dir_.file("fifo").c_str(), 0600), 0);
  EXPECT_THAT(input_error([&] { BatchFile(dir_.file("fifo")); }), HasSubstr("not a regular file"));
}

TEST_F(BatchFileTest, NoPermissionIsRefused) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const std::string path = pack({command("x")});
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  EXPECT_THAT(input_error([&] { BatchFile batch(path); }), HasSubstr("Permission denied"));
}

}  // namespace
}  // namespace parrun
