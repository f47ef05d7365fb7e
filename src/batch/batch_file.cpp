#include "batch/batch_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <stdexcept>

#include "base/sqlite_magic.hpp"
#include "batch/task_spec.hpp"
#include "parrun/errors.hpp"

namespace parrun {
namespace {

using format::Trailer;

constexpr std::size_t kWindow = 256 << 10;         // [bytes] read at once while checking
constexpr std::size_t kLargestWindow = 4 << 20;    // [bytes] read at once: a length may be a lie
constexpr std::size_t kLarge = 64 << 10;           // [bytes] read rather than mapped
constexpr std::uint64_t kReleaseWindow = 4 << 20;  // [bytes] worth a system call

std::uint64_t number_at(BytesView bytes, std::uint64_t offset) {
  return ByteReader(bytes.substr(offset, sizeof(std::uint64_t))).get<std::uint64_t>();
}

// A file that is read from its beginning to its end, a window of it at a time.
class Window {
 public:
  explicit Window(const MappedFile& file) : file_(file) {}
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  ~Window() { release(); }

  /// Lives until the next call. Throws InputError. REQUIRES: within the file, and not before what was asked
  /// for last.
  BytesView at(std::uint64_t from, std::size_t size) {
    release();
    if (size > kLargestWindow) {
      mapped_ = {from, from + size};
      return file_.bytes().substr(from, size);
    }
    if (from + size > begin_ + size_) move_to(from, std::max(size, kWindow));
    return BytesView(bytes_).substr(from - begin_, size);
  }

 private:
  void move_to(std::uint64_t offset, std::size_t wanted) try {
    const std::size_t kept = begin_ + size_ > offset ? begin_ + size_ - offset : 0;
    std::memmove(bytes_.data(), bytes_.data() + (size_ - kept), kept);
    begin_ = offset;
    size_ = std::min<std::uint64_t>(wanted, file_.bytes().size() - offset);
    if (bytes_.size() < size_) bytes_.resize(size_);
    file_.read(begin_ + kept, size_ - kept, bytes_.data() + kept);
  } catch (const std::runtime_error& error) {
    throw InputError(error.what());
  }

  void release() {
    file_.release(mapped_.first, mapped_.second);
    mapped_ = {};
  }

  const MappedFile& file_;
  Bytes bytes_;
  std::uint64_t begin_ = 0;                         ///< in the file
  std::size_t size_ = 0;                            ///< of what was read
  std::pair<std::uint64_t, std::uint64_t> mapped_;  ///< what is looked at where it is mapped
};

// Reads a file from its ends inwards: header, trailer, names, then records and index side by side. Each step
// relies on what the steps before it have shown, and throws InputError.
class Checker {
 public:
  Checker(const MappedFile& file, const std::string& path)
      : bytes_(file.bytes()), records_(file), index_(file), path_(path) {}

  void check_header() const;
  Trailer read_trailer() const;
  std::vector<std::string> read_names(const Trailer& trailer) const;
  void check_records(const Trailer& trailer, const std::vector<std::string>& functions,
                     std::atomic<std::uint64_t>* checked);
  /// Of a task that was checked.
  bool has_labels() const { return has_labels_; }

 private:
  // What the walk over the records has come to.
  struct Walk {
    std::uint64_t task = 0;
    std::uint64_t offset = format::kHeaderSize;
    std::uint64_t content_hash = 0;
    std::uint64_t index_checksum = 0;
    std::uint64_t contents = 0;
  };

  struct Record {
    std::uint64_t checksum;
    BytesView payload;
  };

  void step(Walk& walk, const Trailer& trailer, const std::vector<std::string>& functions);
  Record record_at(const Walk& walk, const Trailer& trailer);
  std::uint64_t check_payload(const Walk& walk, BytesView payload,
                              const std::vector<std::string>& functions) const;
  void compare(const Walk& walk, const Trailer& trailer) const;

  [[noreturn]] void damaged(std::uint64_t offset, const std::string& what) const {
    throw InputError(fmt::format("{} is damaged at byte {}: {}; pack it again", path_, offset, what));
  }
  [[noreturn]] void foreign() const {
    if (bytes_.starts_with(kSqliteMagic)) {
      throw InputError(fmt::format(
          "{} is an SQLite file and no batch; if it is a run record, 'parrun results' and 'parrun status' "
          "read it, and a run takes the batch that it is of",
          path_));
    }
    throw InputError(fmt::format(
        "{} is no batch file (at byte 0 it does not begin as one); make one of a file of commands with "
        "'parrun pack {} -o jobs.bin'",
        path_, path_));
  }

  BytesView bytes_;
  Window records_;
  Window index_;
  const std::string& path_;
  bool has_labels_ = false;
};

void Checker::check_header() const {
  if (bytes_.empty()) throw InputError(fmt::format("{} is empty (0 bytes); pack it again", path_));
  const BytesView mark = bytes_.substr(0, format::kMagic.size());
  if (!format::kMagic.starts_with(mark)) foreign();
  if (bytes_.size() < format::kHeaderSize) damaged(bytes_.size(), "it is truncated, within its header");
  format::Header header;
  try {
    header = format::decode_header(bytes_.substr(0, format::kHeaderSize));
  } catch (const FormatError& error) {
    damaged(0, error.what());
  }
  if (header.version != format::kVersion || header.flags != 0) {
    throw InputError(fmt::format(
        "{} has format version {} flags {} (at byte 8), this parrun reads version {} flags 0; pack it again "
        "with this parrun",
        path_, header.version, header.flags, format::kVersion));
  }
}

Trailer Checker::read_trailer() const {
  if (bytes_.size() < format::kHeaderSize + format::kTrailerSize) {
    damaged(bytes_.size(), "it is truncated, or was never finished: the trailer is missing");
  }
  const std::uint64_t at = bytes_.size() - format::kTrailerSize;
  Trailer trailer;
  try {
    trailer = format::decode_trailer(bytes_.substr(at));
  } catch (const FormatError& error) {
    damaged(at, error.what());
  }
  if (trailer.file_size != bytes_.size()) {
    damaged(at, fmt::format("it has {} bytes, its trailer says {}", bytes_.size(), trailer.file_size));
  }
  const bool in_order = format::kHeaderSize <= trailer.names_offset &&
                        trailer.names_offset <= trailer.index_offset && trailer.index_offset <= at;
  if (!in_order || (at - trailer.index_offset) % format::kOffsetSize != 0 ||
      (at - trailer.index_offset) / format::kOffsetSize != trailer.task_count) {
    damaged(at, fmt::format("its trailer contradicts itself about {} tasks", trailer.task_count));
  }
  return trailer;
}

std::vector<std::string> Checker::read_names(const Trailer& trailer) const {
  const BytesView section = bytes_.substr(trailer.names_offset, trailer.index_offset - trailer.names_offset);
  if (format::checksum(section) != trailer.names_checksum) {
    damaged(trailer.names_offset, "the checksum of the functions' names does not match");
  }
  std::vector<std::string> names;
  try {
    for (ByteReader in(section); !in.at_end();) names.push_back(in.get_string());
  } catch (const FormatError& error) {
    damaged(trailer.names_offset, fmt::format("the functions' names cannot be read ({})", error.what()));
  }
  if (!std::is_sorted(names.begin(), names.end(), std::less_equal<>())) {
    damaged(trailer.names_offset, "the functions' names are out of order");
  }
  return names;
}

void Checker::check_records(const Trailer& trailer, const std::vector<std::string>& functions,
                            std::atomic<std::uint64_t>* checked) {
  Walk walk;
  while (walk.task < trailer.task_count) {
    step(walk, trailer, functions);
    if (checked != nullptr) checked->store(walk.task, std::memory_order_relaxed);
  }
  compare(walk, trailer);
}

void Checker::step(Walk& walk, const Trailer& trailer, const std::vector<std::string>& functions) {
  const std::uint64_t entry = trailer.index_offset + walk.task * format::kOffsetSize;
  const std::uint64_t indexed = number_at(index_.at(entry, format::kOffsetSize), 0);
  const Record record = record_at(walk, trailer);
  if (indexed != walk.offset) {
    damaged(entry, fmt::format("the index has task {} at byte {}, it is at byte {}", walk.task, indexed,
                               walk.offset));
  }
  walk.contents |= check_payload(walk, record.payload, functions);
  has_labels_ = has_labels_ || !decode_task_head(record.payload).label.empty();
  walk.content_hash = format::chain(walk.content_hash, record.checksum);
  walk.index_checksum = format::chain(walk.index_checksum, indexed);
  walk.offset += format::kFrameSize + record.payload.size();
  ++walk.task;
}

Checker::Record Checker::record_at(const Walk& walk, const Trailer& trailer) {
  const std::uint64_t left = trailer.names_offset - walk.offset;
  if (left < format::kFrameSize) {
    damaged(walk.offset,
            fmt::format("its records end here, behind task {} of {}", walk.task, trailer.task_count));
  }
  const BytesView frame = records_.at(walk.offset, format::kFrameSize);
  const std::uint64_t length = number_at(frame, 0);
  const std::uint64_t checksum = number_at(frame, 8);
  if (length > left - format::kFrameSize) {
    damaged(walk.offset, fmt::format("the length of task {} is wrong", walk.task));
  }
  const BytesView payload = records_.at(walk.offset + format::kFrameSize, length);
  if (format::checksum(payload, length) != checksum) {
    damaged(walk.offset, fmt::format("the checksum of task {} does not match", walk.task));
  }
  return {checksum, payload};
}

// What kind of work it is, as a bit of the trailer's `contents`.
std::uint64_t Checker::check_payload(const Walk& walk, BytesView payload,
                                     const std::vector<std::string>& functions) const try {
  const std::optional<CallView> call = view_call(payload);
  if (!call) return format::kHasCommands;
  if (!std::binary_search(functions.begin(), functions.end(), call->function)) {
    throw FormatError(fmt::format("the function '{}' is not among its names", call->function));
  }
  return format::kHasCalls;
} catch (const FormatError& error) {
  damaged(walk.offset, fmt::format("task {} cannot be read ({})", walk.task, error.what()));
}

void Checker::compare(const Walk& walk, const Trailer& trailer) const {
  if (walk.offset != trailer.names_offset) {
    damaged(walk.offset, fmt::format("bytes that are no task lie behind the {} tasks", trailer.task_count));
  }
  if (walk.content_hash != trailer.content_hash || walk.index_checksum != trailer.index_checksum ||
      walk.contents != trailer.contents) {
    damaged(trailer.file_size - format::kTrailerSize, "its trailer does not fit its tasks");
  }
}

}  // namespace

BatchFile::BatchFile(const std::string& path, std::atomic<std::uint64_t>* checked) : file_(path) {
  Checker checker(file_, path);
  checker.check_header();
  trailer_ = checker.read_trailer();
  functions_ = checker.read_names(trailer_);
  checker.check_records(trailer_, functions_, checked);
  has_labels_ = checker.has_labels();
}

std::uint64_t BatchFile::offset_of(std::uint64_t task) const {
  if (task >= size()) return trailer_.names_offset;
  return number_at(file_.bytes(), trailer_.index_offset + task * format::kOffsetSize);
}

// Records lie one behind the other.
std::pair<std::uint64_t, std::size_t> BatchFile::place_of(TaskId task) const {
  const std::uint64_t begin = offset_of(task.get()) + format::kFrameSize;
  return {begin, offset_of(task.get() + 1) - begin};
}

BytesView BatchFile::payload(TaskId task) const {
  const auto [begin, size] = place_of(task);
  return file_.bytes().substr(begin, size);
}

std::string BatchFile::label(TaskId task) const {
  return has_labels_ ? std::string(decode_task_head(payload(task)).label) : std::string();
}

void BatchFile::append_payload(TaskId task, ByteWriter& out) const {
  const auto [begin, size] = place_of(task);
  if (size < kLarge) {
    out.put(file_.bytes().substr(begin, size));
  } else {
    out.put<std::uint64_t>(size);
    file_.read(begin, size, out.extend(size));
  }
}

std::vector<float> BatchFile::costs() const {
  std::vector<float> costs;
  costs.reserve(size());
  for (std::uint64_t task = 0, released = 0; task < size(); ++task) {
    const std::optional<double> cost = decode_task_head(payload(TaskId(task))).cost;
    costs.push_back(cost ? static_cast<float>(*cost) : std::numeric_limits<float>::infinity());
    released = release(released, task);
  }
  return costs;
}

// Lets go of those tasks' memory, if that is worth it; returns what the next call goes on from.
std::uint64_t BatchFile::release(std::uint64_t from, std::uint64_t until) const {
  until = std::min(until, size());
  if (until <= from) return from;
  const std::uint64_t begin = offset_of(from), end = offset_of(until);
  if (end - begin < kReleaseWindow) return from;
  file_.release(begin, end);
  file_.release(trailer_.index_offset + from * format::kOffsetSize,
                trailer_.index_offset + until * format::kOffsetSize);
  return until;
}

}  // namespace parrun
