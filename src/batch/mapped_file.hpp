#pragma once
#include <cstdint>
#include <ctime>
#include <string>

#include "base/bytes.hpp"
#include "base/descriptor.hpp"

namespace parrun {

// A regular file mapped for reading. Its size is that of the moment it was opened: who shortens the file in
// place afterwards kills those who look at what is mapped (SIGBUS); replacing it by rename, as OutputFile
// does, is harmless.
class MappedFile {
 public:
  /// Throws InputError: missing, no permission, a directory, not a regular file.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  BytesView bytes() const { return bytes_; }

  /// Copies [offset, offset + size) to `to`. What is large and looked at once is better read than mapped: in
  /// some virtual machines a page takes five times as long to be mapped as to be copied. Throws
  /// std::runtime_error where it cannot be read. REQUIRES: it is within bytes().
  void read(std::uint64_t offset, std::size_t size, char* to) const;

  /// Throws std::runtime_error where it was written to, or cut, since it was opened. One whose time alone is
  /// another, and not its end, was only touched.
  void require_unchanged();

  /// Gives the pages of [begin, end) back to the system; reading them again brings them back.
  void release(std::uint64_t begin, std::uint64_t end) const;

 private:
  Bytes read_end() const;

  std::string path_;
  Descriptor file_;
  timespec modified_{};  ///< when it was opened
  Bytes end_;            ///< its last bytes, likewise
  BytesView bytes_;
};

}  // namespace parrun
