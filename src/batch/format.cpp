#include "batch/format.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace parrun::format {

std::uint64_t checksum(BytesView bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

std::uint64_t chain(std::uint64_t so_far, std::uint64_t number) {
  return XXH3_64bits_withSeed(&number, sizeof number, so_far);
}

Bytes encode(const Header& header) {
  ByteWriter fields;
  fields.put(header.version).put(header.flags);
  const Bytes summed = Bytes(kMagic) + fields.take();
  return summed + ByteWriter().put(checksum(summed)).take();
}

Bytes encode(const Trailer& trailer) {
  ByteWriter fields;
  fields.put(trailer.task_count).put(trailer.names_offset).put(trailer.names_checksum);
  fields.put(trailer.index_offset).put(trailer.index_checksum).put(trailer.content_hash);
  fields.put(trailer.contents).put(trailer.file_size);
  const Bytes summed = fields.take();
  return summed + ByteWriter().put(checksum(summed)).take() + Bytes(kEndMagic);
}

Header decode_header(BytesView bytes) {
  const std::size_t summed = bytes.size() - sizeof(std::uint64_t);
  if (!bytes.starts_with(kMagic)) throw FormatError("it does not begin as one");
  if (ByteReader(bytes.substr(summed)).get<std::uint64_t>() != checksum(bytes.substr(0, summed))) {
    throw FormatError("the header's checksum does not match");
  }
  ByteReader in(bytes.substr(kMagic.size()));
  Header header;
  header.version = in.get<std::uint32_t>();
  header.flags = in.get<std::uint32_t>();
  return header;
}

Trailer decode_trailer(BytesView bytes) {
  const std::size_t summed = bytes.size() - kEndMagic.size() - sizeof(std::uint64_t);
  const bool sum_fits =
      ByteReader(bytes.substr(summed)).get<std::uint64_t>() == checksum(bytes.substr(0, summed));
  const bool ends = bytes.ends_with(kEndMagic);
  if (!sum_fits && !ends) throw FormatError("it is truncated, or was never finished: the trailer is missing");
  if (!sum_fits) throw FormatError("the trailer's checksum does not match");
  if (!ends) throw FormatError("the mark at the end is damaged");
  ByteReader in(bytes);
  Trailer trailer;
  trailer.task_count = in.get<std::uint64_t>();
  trailer.names_offset = in.get<std::uint64_t>();
  trailer.names_checksum = in.get<std::uint64_t>();
  trailer.index_offset = in.get<std::uint64_t>();
  trailer.index_checksum = in.get<std::uint64_t>();
  trailer.content_hash = in.get<std::uint64_t>();
  trailer.contents = in.get<std::uint64_t>();
  trailer.file_size = in.get<std::uint64_t>();
  return trailer;
}

}  // namespace parrun::format
