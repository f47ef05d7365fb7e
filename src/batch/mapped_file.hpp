#pragma once
#include <cstdint>
#include <string>

#include "base/bytes.hpp"

namespace parrun {

// A regular file mapped for reading. Its size is that of the moment it was opened: who shortens the file in
// place afterwards kills its readers (SIGBUS); replacing it by rename, as OutputFile does, is harmless.
class MappedFile {
 public:
  /// Throws InputError: missing, no permission, a directory, not a regular file.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  BytesView bytes() const { return bytes_; }

  /// Gives the pages of [begin, end) back to the system; reading them again brings them back.
  void release(std::uint64_t begin, std::uint64_t end) const;

 private:
  BytesView bytes_;
};

}  // namespace parrun
