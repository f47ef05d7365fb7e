#pragma once
// How what a task wrote stands in the record: as text where it is short and UTF-8, so that any SQLite client
// shows it; as a blob where it is not; and above kCompressAbove as a blob that is a zstd frame with a
// checksum, which `zstd -d` opens. A blob that begins with zstd's magic number is always such a frame.

#include <memory>
#include <string>
#include <string_view>

struct ZSTD_CCtx_s;

namespace parrun {

struct StoredText {
  std::string_view bytes;
  bool is_blob = false;
};

class TextStore {
 public:
  static constexpr std::size_t kCompressAbove = 4096;  // [bytes]

  TextStore();

  /// What is stored for `text`: a view of it, or of `buffer`, which then holds the frame.
  StoredText store(std::string_view text, std::string& buffer);

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_CCtx_s, Free> context_;
};

/// The text again. Throws std::runtime_error where a frame is damaged.
std::string restore_text(const StoredText& stored);

/// UTF-8 (RFC 3629) without a NUL, at which some clients end a text.
bool is_plain_text(std::string_view text);

}  // namespace parrun
