#include "batch/batch_file.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "batch/task_spec.hpp"
#include "parrun/errors.hpp"

namespace parrun {
namespace {

using format::Trailer;

constexpr std::uint64_t kCheckWindow = 64 << 20;   // [bytes] resident at most while checking
constexpr std::uint64_t kReleaseWindow = 4 << 20;  // [bytes] worth a system call

std::uint64_t number_at(BytesView bytes, std::uint64_t offset) {
  return ByteReader(bytes.substr(offset, sizeof(std::uint64_t))).get<std::uint64_t>();
}

// Reads a file from its ends inwards: header, trailer, names, then records and index side by side. Each step
// relies on what the steps before it have shown, and throws InputError.
class Checker {
 public:
  Checker(const MappedFile& file, const std::string& path) : file_(file), bytes_(file.bytes()), path_(path) {}

  void check_header() const;
  Trailer read_trailer() const;
  std::vector<std::string> read_names(const Trailer& trailer) const;
  void check_records(const Trailer& trailer, const std::vector<std::string>& functions) const;

 private:
  // What the walk over the records has come to.
  struct Walk {
    std::uint64_t task = 0;
    std::uint64_t offset = format::kHeaderSize;
    std::uint64_t content_hash = 0;
    std::uint64_t index_checksum = 0;
    std::uint64_t contents = 0;
  };

  void step(Walk& walk, const Trailer& trailer, const std::vector<std::string>& functions) const;
  BytesView record_at(const Walk& walk, const Trailer& trailer) const;
  std::uint64_t check_payload(const Walk& walk, BytesView payload,
                              const std::vector<std::string>& functions) const;
  void compare(const Walk& walk, const Trailer& trailer) const;

  [[noreturn]] void damaged(std::uint64_t offset, const std::string& what) const {
    throw InputError(fmt::format("{} is damaged at byte {}: {}; pack it again", path_, offset, what));
  }
  [[noreturn]] void foreign() const {
    throw InputError(fmt::format(
        "{} is no batch file (at byte 0 it does not begin as one); make one of a file of commands with "
        "'parrun pack {} -o jobs.bin'",
        path_, path_));
  }

  const MappedFile& file_;
  BytesView bytes_;
  const std::string& path_;
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

void Checker::check_records(const Trailer& trailer, const std::vector<std::string>& functions) const {
  Walk walk;
  Walk released;
  while (walk.task < trailer.task_count) {
    step(walk, trailer, functions);
    if (walk.offset - released.offset < kCheckWindow && walk.task < trailer.task_count) continue;
    file_.release(released.offset, walk.offset);
    file_.release(trailer.index_offset + released.task * format::kOffsetSize,
                  trailer.index_offset + walk.task * format::kOffsetSize);
    released = walk;
  }
  compare(walk, trailer);
}

void Checker::step(Walk& walk, const Trailer& trailer, const std::vector<std::string>& functions) const {
  const std::uint64_t entry = trailer.index_offset + walk.task * format::kOffsetSize;
  const std::uint64_t indexed = number_at(bytes_, entry);
  const BytesView payload = record_at(walk, trailer);
  if (indexed != walk.offset) {
    damaged(entry, fmt::format("the index has task {} at byte {}, it is at byte {}", walk.task, indexed,
                               walk.offset));
  }
  walk.contents |= check_payload(walk, payload, functions);
  walk.content_hash = format::chain(walk.content_hash, number_at(bytes_, walk.offset + 8));
  walk.index_checksum = format::chain(walk.index_checksum, indexed);
  walk.offset += format::kFrameSize + payload.size();
  ++walk.task;
}

BytesView Checker::record_at(const Walk& walk, const Trailer& trailer) const {
  const std::uint64_t left = trailer.names_offset - walk.offset;
  if (left < format::kFrameSize) {
    damaged(walk.offset,
            fmt::format("its records end here, behind task {} of {}", walk.task, trailer.task_count));
  }
  const std::uint64_t length = number_at(bytes_, walk.offset);
  if (length > left - format::kFrameSize) {
    damaged(walk.offset, fmt::format("the length of task {} is wrong", walk.task));
  }
  const BytesView payload = bytes_.substr(walk.offset + format::kFrameSize, length);
  if (format::checksum(payload, length) != number_at(bytes_, walk.offset + 8)) {
    damaged(walk.offset, fmt::format("the checksum of task {} does not match", walk.task));
  }
  return payload;
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

BatchFile::BatchFile(const std::string& path) : file_(path) {
  const Checker checker(file_, path);
  checker.check_header();
  trailer_ = checker.read_trailer();
  functions_ = checker.read_names(trailer_);
  checker.check_records(trailer_, functions_);
}

std::uint64_t BatchFile::offset_of(std::uint64_t task) const {
  if (task >= size()) return trailer_.names_offset;
  return number_at(file_.bytes(), trailer_.index_offset + task * format::kOffsetSize);
}

BytesView BatchFile::payload(TaskId task) const {
  const std::uint64_t offset = offset_of(task.get());
  return file_.bytes().substr(offset + format::kFrameSize, number_at(file_.bytes(), offset));
}

void BatchFile::release_before(TaskId task) {
  const std::uint64_t until = std::min(task.get(), size());
  if (until <= released_) return;
  const std::uint64_t begin = offset_of(released_), end = offset_of(until);
  if (end - begin < kReleaseWindow) return;
  file_.release(begin, end);
  file_.release(trailer_.index_offset + released_ * format::kOffsetSize,
                trailer_.index_offset + until * format::kOffsetSize);
  released_ = until;
}

}  // namespace parrun
