#include "record/stored_text.hpp"

#include <fmt/format.h>
#include <zstd.h>

#include <algorithm>
#include <new>
#include <stdexcept>

namespace parrun {
namespace {

constexpr std::string_view kFrameMagic{"\x28\xb5\x2f\xfd", 4};
constexpr int kLevel = 1;  // the writer must keep up with the tasks

std::size_t checked(std::size_t result) {
  if (ZSTD_isError(result) != 0) {
    throw std::runtime_error(fmt::format("a compressed text is damaged: {}", ZSTD_getErrorName(result)));
  }
  return result;
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// How many bytes the character takes that `text` begins with; 0 where it is none.
std::size_t character_size(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return first == 0 ? 0 : 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  if (!std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(size), is_continuation))
    return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  const bool too_long = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second >= 0xa0;
  const bool beyond = first == 0xf4 && second >= 0x90;
  return too_long || surrogate || beyond ? 0 : size;
}

}  // namespace

void TextStore::Free::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }

TextStore::TextStore() : context_(ZSTD_createCCtx()) {
  if (!context_) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
}

StoredText TextStore::store(std::string_view text, std::string& buffer) {
  if (text.size() <= kCompressAbove && !text.starts_with(kFrameMagic)) return {text, !is_plain_text(text)};
  buffer.resize(ZSTD_compressBound(text.size()));
  const std::size_t size =
      checked(ZSTD_compress2(context_.get(), buffer.data(), buffer.size(), text.data(), text.size()));
  return {std::string_view(buffer).substr(0, size), true};
}

std::string restore_text(const StoredText& stored) {
  if (!stored.is_blob || !stored.bytes.starts_with(kFrameMagic)) return std::string(stored.bytes);
  const unsigned long long size = ZSTD_getFrameContentSize(stored.bytes.data(), stored.bytes.size());
  // The frame says its size; a damaged one may say anything. zstd packs at most some 10,000 into one byte.
  constexpr unsigned long long kMostPacked = 100'000;
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ||
      size > stored.bytes.size() * kMostPacked) {
    throw std::runtime_error("a compressed text is damaged: its frame does not say its size");
  }
  std::string text(size, '\0');
  checked(ZSTD_decompress(text.data(), text.size(), stored.bytes.data(), stored.bytes.size()));
  return text;
}

bool is_plain_text(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = character_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

}  // namespace parrun
