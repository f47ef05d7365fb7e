#pragma once
// The layout of jobs.bin: written in one pass, also into a pipe, and read in place at random.
// Integers are little-endian, offsets count bytes from the start of the file, checksums are XXH3-64.
//
//   header   magic (8 bytes), format version u32, flags u32 (0), checksum u64 of these 16 bytes
//   records  one a task, in order: payload length u64; checksum u64 of the payload, seeded with its length;
//            payload: encode(TaskSpec)
//   names    the functions that the tasks call, each once, ascending: length u64 and bytes
//   index    the offset u64 of each record
//   trailer  task count u64, offset u64 and checksum u64 of the names, offset u64 and chained checksum u64 of
//            the index, content hash u64, contents u64 (bit 0: commands, bit 1: calls), file size u64,
//            checksum u64 of these 64 bytes, end magic (8 bytes)
//
// A chained checksum of numbers: h = 0, then for each number h = XXH3-64 of it, seeded with h. The content
// hash is the chain of the records' checksums: equal for two files of one version exactly where their tasks
// are the same.
// The parts touch one another, so every bit lies under a checksum or is compared with what must stand there.
// Every later version keeps the header as it is; the rest may change with the version.

#include <cstdint>
#include <string_view>

#include "base/bytes.hpp"

namespace parrun::format {

// A byte above 127 in front and a line end behind: no text begins so, and a text-mode copy breaks it.
inline constexpr BytesView kMagic{"\x89parrun\n", 8};
inline constexpr BytesView kEndMagic{"\x89parend\n", 8};
inline constexpr std::uint32_t kVersion = 3;  // 3: a task has no fields that say nothing

inline constexpr std::uint64_t kHeaderSize = 24;
inline constexpr std::uint64_t kFrameSize = 16;  // a record's length and checksum
inline constexpr std::uint64_t kOffsetSize = 8;
inline constexpr std::uint64_t kTrailerSize = 80;

inline constexpr std::uint64_t kHasCommands = 1;
inline constexpr std::uint64_t kHasCalls = 2;

struct Header {
  std::uint32_t version = kVersion;
  std::uint32_t flags = 0;
};

struct Trailer {
  std::uint64_t task_count = 0;
  std::uint64_t names_offset = 0;
  std::uint64_t names_checksum = 0;
  std::uint64_t index_offset = 0;
  std::uint64_t index_checksum = 0;
  std::uint64_t content_hash = 0;
  std::uint64_t contents = 0;
  std::uint64_t file_size = 0;
};

std::uint64_t checksum(BytesView bytes, std::uint64_t seed = 0);

/// One step of a chained checksum.
std::uint64_t chain(std::uint64_t so_far, std::uint64_t number);

Bytes encode(const Header& header);
Bytes encode(const Trailer& trailer);

/// Throw FormatError, saying what is wrong, where `bytes` are none. REQUIRES: bytes of exactly that size.
Header decode_header(BytesView bytes);
Trailer decode_trailer(BytesView bytes);

}  // namespace parrun::format
